// As before JSPI: no statement can pause.
delete WebAssembly.Suspending;
delete WebAssembly.promising;
