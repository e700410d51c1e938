// Ends this process when the engine that started it is gone, even if the engine was killed.
//
// The engine holds the other end of a plugin's standard input for as long as it lives and never writes to it; the
// kernel closes it with the engine. The alternative, asking the engine every few minutes whether it is still there,
// leaves processes behind for minutes.

process.stdin.on("end", () => /** @type {NodeJS.EventEmitter} */ (process).emit("engine-gone") || process.exit(1));
process.stdin.on("error", () => process.exit(1));
process.stdin.resume();
// A process that failed and has nothing left to do ends by itself: the engine would wait for it for ever.
/** @type {import("node:net").Socket} */ (/** @type {unknown} */ (process.stdin)).unref?.();
