// `actionlint`, which reads workflows of GitHub Actions as GitHub does: on PATH, or built once from Go modules.

import path from "node:path";
import { cachedOr } from "./engine/cache.mjs";
import { onPath, runQuietly } from "./engine/commands.mjs";
import { EngineError, withProgress } from "./engine/say.mjs";

const VERSION = "v1.7.12";

/** @returns {Promise<string>} the path of the command */
export async function findActionlint() {
    const [found] = onPath("actionlint");
    if (found) return found;
    const folder = await cachedOr(`actionlint-${VERSION}`, (unfinished) => {
        if (onPath("go").length === 0) throw new EngineError("the tests need `actionlint`, and it is not on PATH. Install it, or Go, which builds it.");
        return withProgress(`go install actionlint ${VERSION}`, () =>
            runQuietly("go", ["install", `github.com/rhysd/actionlint/cmd/actionlint@${VERSION}`], { env: { GOBIN: unfinished, CGO_ENABLED: "0" } }));
    });
    return path.join(folder, "actionlint");
}
