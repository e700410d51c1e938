// How the demo talks: numbered headings with the time that has passed, and the sentence that ends it.

const started = Date.now();
let steps = 0;

/** A step of the demo did not do what it should; its message is the cause, in words for the reader. */
export class DemoFailure extends Error {}

/** @param {string} title */
export function heading(title) {
    const seconds = `${((Date.now() - started) / 1000).toFixed(1)} s`;
    print("", `== ${++steps}. ${title} (${seconds})`);
}

/** @param {string[]} lines */
export function print(...lines) {
    for (const line of lines) console.log(line);
}

/**
 * @param {unknown} condition
 * @param {string} cause
 * @returns {asserts condition}
 */
export function demand(condition, cause) {
    if (!condition) throw new DemoFailure(cause);
}
