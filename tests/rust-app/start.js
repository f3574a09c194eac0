import init from "./rust_app.js";

init().catch((error) => {
  document.title = `failed: ${error}`;
});
