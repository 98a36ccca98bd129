// The Web Worker of direct mode: loads its program, which says when it can be spoken to.
import init from "./pkg/worker.js";

// The page hears of errors, but not of promises that failed.
addEventListener("unhandledrejection", (event) => {
  setTimeout(() => {
    throw event.reason;
  });
});
init({ module_or_path: new URL("./pkg/worker.wasm", import.meta.url) });
