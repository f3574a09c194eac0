// Notes the memory of every wasm instance made after this module has run, in `wasmMemories`.
globalThis.wasmMemories = [];

const note = (instance) => {
  const { memory } = instance.exports;
  if (memory instanceof WebAssembly.Memory) globalThis.wasmMemories.push(memory);
};

for (const name of ["instantiate", "instantiateStreaming"]) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...args) => {
    const made = await original(...args);
    note(made.instance ?? made);
    return made;
  };
}

WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(...args) {
    super(...args);
    note(this);
  }
};
