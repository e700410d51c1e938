// An engine built from Go modules, for machines that reach a module proxy but no downloads: `pulumi` itself, the TLS
// plugin, and beside them launchers for the language host and the dynamic provider.

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { cached, cachedOr, fingerprint } from "./cache.mjs";
import { onPath, runQuietly } from "./commands.mjs";
import { EngineError, say, withProgress } from "./say.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const inHere = (/** @type {string[]} */ ...names) => names.map((name) => path.join(here, name));

const PULUMI_VERSION = "3.259.0";
/** The one that @pulumi/tls of package-lock.json asks for. */
const TLS_VERSION = "5.6.1";

const platform = `${process.platform}-${process.arch}`;
const LINK = "-s -w -X";

const pulumiEntry = `pulumi-${PULUMI_VERSION}-${fingerprint([platform], inHere("go.mod", "go.sum"))}`;
const homeEntry = `home-tls-${TLS_VERSION}-${fingerprint([platform], inHere("go.mod", "go.sum", "cmd", "tlsshim"))}`;
const engineEntry = `engine-${fingerprint([pulumiEntry], inHere("launchers", "language-host"))}`;

/** Whether an earlier run has built everything from the same sources. */
export function isBuilt() {
    return Boolean(cached(pulumiEntry) && cached(homeEntry));
}

/** The built engine; what is in the cache already is not built again. */
export async function builtEngine() {
    if (process.platform === "win32") throw new EngineError("On Windows the engine isn't built: install Pulumi and have `pulumi` on PATH.");
    const built = await cachedOr(pulumiEntry, (folder) => goBuild({
        what: `pulumi ${PULUMI_VERSION}`,
        target: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        link: `${LINK} github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${PULUMI_VERSION}`,
        output: path.join(folder, "pulumi"),
    }));
    const pulumi = path.join(built, "pulumi");
    const home = await cachedOr(homeEntry, (folder) => installTlsPlugin(pulumi, folder));
    const engine = await cachedOr(engineEntry, async (folder) => layOut(pulumi, folder));
    return { pulumi: path.join(engine, "bin", "pulumi"), home };
}

/**
 * The plugin has to be *installed*: found on PATH it works too, but the engine warns at each run.
 *
 * @param {string} pulumi
 * @param {string} home
 */
async function installTlsPlugin(pulumi, home) {
    const binary = path.join(home, "pulumi-resource-tls");
    await goBuild({
        what: `the TLS plugin ${TLS_VERSION}`,
        target: "./cmd/pulumi-resource-tls",
        link: `${LINK} main.Version=${TLS_VERSION}`,
        output: binary,
    });
    await runQuietly(pulumi, ["plugin", "install", "resource", "tls", TLS_VERSION, "--file", binary], {
        env: { PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    fs.rmSync(binary);
}

/**
 * The engine looks for the language host and the dynamic provider beside itself. They are copied, so that several
 * checkouts may share the cache.
 *
 * @param {string} pulumi
 * @param {string} folder
 */
function layOut(pulumi, folder) {
    const bin = path.join(folder, "bin");
    fs.cpSync(path.join(here, "launchers"), bin, { recursive: true });
    for (const launcher of fs.readdirSync(bin)) fs.chmodSync(path.join(bin, launcher), 0o755);
    fs.cpSync(path.join(here, "language-host"), path.join(folder, "language-host"), { recursive: true });
    fs.linkSync(pulumi, path.join(bin, "pulumi"));
}

/** @param {{ what: string, target: string, link: string, output: string }} build */
async function goBuild({ what, target, link, output }) {
    const go = onPath("go")[0];
    if (!go) {
        throw new EngineError([
            `There is no \`pulumi\` on PATH, it can't be downloaded from here, and without Go it can't be built either. One of these helps:`,
            `  - install Pulumi (www.pulumi.com/docs/install) and have \`pulumi\` on PATH;`,
            `  - run this where the installer can reach the internet (after \`npm ci\`);`,
            `  - install Go (${goVersion()} or newer), with a module proxy in reach, and have \`go\` on PATH.`,
        ].join("\n"));
    }
    say(`building ${what} with Go; without Go's build cache this takes some minutes`);
    let packages = 0;
    let current = "loading modules";
    try {
        await withProgress(`building ${what}`, () => runQuietly(
            go, ["build", "-v", "-mod=readonly", "-trimpath", "-ldflags", link, "-o", output, target],
            {
                cwd: here,
                env: { CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" },
                onLine: (line) => {
                    current = line.slice(0, 100);
                    if (!line.startsWith("go: ")) packages++;
                },
            },
        ), () => `${packages} packages compiled, now ${current}`);
    } catch (error) {
        throw new EngineError(`${what} could not be built. Go ${goVersion()} or newer and a Go module proxy are needed (or: install Pulumi and have \`pulumi\` on PATH).\n${error.message}`);
    }
}

function goVersion() {
    return /^go (\S+)$/m.exec(fs.readFileSync(path.join(here, "go.mod"), "utf8"))?.[1] ?? "";
}
