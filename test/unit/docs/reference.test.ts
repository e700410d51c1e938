// `npm run docs` has something to say about everything that a program may use.

import { execFile } from "node:child_process";
import * as path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { root } from "./pages";

it("every public name has a doc comment, and links in them lead somewhere", async () => {
    const typedoc = path.join(root, "node_modules", "typedoc", "bin", "typedoc");
    // A failure carries typedoc's own list.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [typedoc, "--emit", "none"], { cwd: root, maxBuffer: 16e6 });
    expect(stdout + stderr).toBe("");
}, 90_000);
