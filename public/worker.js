// The Web Worker of direct mode: loads the program of its page's build, which says when it can be spoken to.
// The page hears of errors, but not of promises that failed.
addEventListener("unhandledrejection", (event) => {
  setTimeout(() => {
    throw event.reason;
  });
});
const [build] = /^[0-9a-f]{16}$/.exec(new URL(location.href).searchParams.get("program") ?? "") ?? [];
const folder = new URL(`assets/${build}/`, location.href);
import(new URL("worker.js", folder)).then((program) => program.default({ module_or_path: new URL("worker.wasm", folder) }));
