// Which test runs which command of the pages. The first entry that fits a line counts.

interface Shown {
    readonly line: string | RegExp;
    /** Any, if left out. */
    readonly page?: string | RegExp;
}
interface Run extends Shown {
    /** The file that runs it, or the workflow. */
    readonly by: string;
    /** What stands there and runs it; `<folder>` is that of the page. */
    readonly proof: string | readonly string[];
}
interface NotRun extends Shown {
    /** Why not. */
    readonly cannot: string;
}
export type Entry = Run | NotRun;

const run = (line: Shown["line"], by: string, proof: Run["proof"], page?: Shown["page"]): Entry => ({ line, by, proof, ...(page === undefined ? {} : { page }) });
const not = (line: Shown["line"], cannot: string, page?: Shown["page"]): Entry => ({ line, cannot, ...(page === undefined ? {} : { page }) });

const engine = (name: string) => `test/engine/${name}.test.ts`;
const ci = ".github/workflows/ci.yml";
const verbatim = "test/cli/pages.test.ts";
const registry = "it would take the package from npm, where no version is yet; what it installs is tested from the tarball (test/package)";

const kinds = /^examples\/(signed-by-a-ca|csr-from-a-device|zero-touch|gateway|java-client)\//;

export const ledger: readonly Entry[] = [
    // docs/cli.md is what its commands printed.
    run(/./, "test/cli/docs.test.ts", "typed.map(line =>", "docs/cli.md"),

    // Word for word, in a shell.
    run(/./, verbatim, 'page("docs/emulator.md")', "docs/emulator.md"),
    run(/^openssl /, verbatim, 'page("docs/keys.md")', "docs/keys.md"),
    run(/^openssl /, verbatim, 'page("examples/csr-from-a-device/README.md")', "examples/csr-from-a-device/README.md"),
    run("npx pulumi-thingsboard revoke pump-1", verbatim, 'page("docs/revocation.md")', "docs/revocation.md"),
    run(/^npx pulumi-thingsboard (doctor|explain pump-1) --stack dev$/, engine("readme"), "of looked", "docs/_index.md"),
    run("npx pulumi-thingsboard doctor", "test/cli/doctor.test.ts", 'command(environment, ["doctor"', "examples/local-thingsboard/README.md"),
    run(/server-certificate|^export THINGSBOARD_MQTT_CA_PEM/, verbatim, 'page("examples/local-thingsboard/README.md")', "examples/local-thingsboard/README.md"),

    // README: the guide.
    run(/^npm init|^printf /, engine("readme"), "makeProject.split", "README.md"),
    run(/^npm install pulumi-thingsboard @pulumi\/pulumi$/, engine("readme"), "makeProject.split", "README.md"),
    not(/^npm install pulumi-thingsboard/, registry),
    run(/^pnpm add --allow-build=protobufjs/, engine("installation"), '"pnpm", "add", "--allow-build=protobufjs"', "docs/installation-configuration.md"),
    not(/^yarn add/, "yarn is tried by hand: its versions 1 and 4", "docs/installation-configuration.md"),
    not(/^pulumi login|^export PULUMI_CONFIG_PASSPHRASE/, "the user's own backend and passphrase; each test has a folder and a passphrase of its own (PULUMI_BACKEND_URL)", "README.md"),
    run("pulumi stack init dev", "test/engine/support/commandLine.ts", 'pulumi("stack", "init"', "README.md"),
    run(/^pulumi config set (url|--secret apiKey)/, engine("readme"), ['"config", "set", "url"', '"config", "set", "--secret", "apiKey"'], "README.md"),
    run("pulumi up", engine("readme"), 'pulumi("up", "--yes", "--skip-preview")', "README.md"),
    run("pulumi preview --refresh --expect-no-changes", engine("readme"), 'pulumi("preview", "--refresh", "--expect-no-changes")', /^(README|docs\/_index)\.md$/),
    run(/pulumi stack output|^mosquitto_pub/, engine("readme"), "await bash(script)", "README.md"),

    run(/^pulumi config set (--secret )?thingsboard:/, "test/engine/secrets/fleetCommand.test.ts", ['"config", "set", "thingsboard:url"', '"config", "set", "--secret", "thingsboard:apiKey"'], "docs/installation-configuration.md"),

    // The package itself.
    run("npm run demo", ci, "npm run demo"),
    run("npm run lint", ci, "npm run lint"),
    run(/^npm test( -- test\/unit)?$/, ci, "npm test", /^(README|CONTRIBUTING)\.md$/),
    run("npm run contract", "package.json", '"contract": "node tools/test.mjs test/contract"'),
    not("npm run bench", "40 minutes, and measures instead of proving; run by hand, with its figures in docs/fleets.md"),
    run("npm run test:live", engine("live"), 'spawn(process.execPath, ["tools/testLive.mjs"'),
    run(/^export THINGSBOARD_(URL|USERNAME|MQTTS|CA)=/, engine("live"), ["THINGSBOARD_USERNAME", "THINGSBOARD_MQTTS", "THINGSBOARD_CA"], "README.md"),
    not(/npm run test:soak/, "hours; a part of each is in npm test (test/engine/interruption, test/faults, test/fuzz, test/load)"),
    run(/npm run (--silent )?engine/, verbatim, 'page("docs/engine.md")', "docs/engine.md"),
    not(/^git (clone|commit)/, "needs the repository's host", "CONTRIBUTING.md"),
    run(/^npx changeset version|^npm install --package-lock-only/, "test/package/release.test.ts", "npx changeset version|npm install --package-lock-only", "CONTRIBUTING.md"),
    not(/^node test\/upgrade\/record\.mjs/, "records a release; test/engine/upgrade.test.ts reads what it has recorded", "CONTRIBUTING.md"),

    // Fleets and reports: with a stack that the test has deployed, and fewer shards.
    run(/^pulumi-thingsboard fleet export .*--device/, engine("fleetShards"), 'fleet(pulumi, "export", "--shards", "2", "--device"'),
    run(/^pulumi-thingsboard fleet export .*--out/, engine("fleetShards"), 'fleet(pulumi, "export", "--shards", "2", "--out"'),
    run(/^pulumi-thingsboard fleet up/, engine("fleetShards"), 'fleet(pulumi, "up", "--shards", "2", "--parallel", "2")'),
    run(/^pulumi-thingsboard fleet status/, engine("fleetShards"), 'fleet(pulumi, "status", "--shards", "2")'),
    run(/^(npx )?pulumi-thingsboard report --stack \w+( --live)?( --html \w+\.html)?$/, engine("report"), '"--live", "--html"'),
    run("pulumi-thingsboard report --stack prod --live --fail-on expired,drift", engine("report"), '"--live", "--fail-on", "expired,drift"'),
    run(/^pulumi-thingsboard report .*--shards/, engine("fleetShards"), '"report", "--stack", stack, "--shards", "2"'),
    run(/^pulumi-thingsboard report .*jq/, engine("report"), 'readFileSync(path.join(repository, "docs", "report.md")'),

    // Keys under a KMS.
    not(/^pulumi stack (init|change-secrets-provider) .*kms/, "needs an account with a cloud's key management", "docs/keys.md"),

    // Examples: their tests deploy them as they stand. Whose ThingsBoard it is, is each reader's own.
    run("export THINGSBOARD_USERNAME=tenant@thingsboard.org THINGSBOARD_PASSWORD=tenant", "test/cli/faults/cases.ts", 'byPassword("tenant")', "examples/local-thingsboard/README.md"),
    run(/^export THINGSBOARD_URL=/, "test/engine/support/thingsboard.ts", "programEnvironment(target)"),
    run("pulumi up", engine("quickstart"), 'pulumi("up", "--yes", "--skip-preview")', "examples/quickstart/README.md"),
    run(/^pulumi (up|stack output)|^sh -c|^\(umask/, engine("examplesKinds"), ['example("<folder>"', 'pulumi("up"'], kinds),
    run(/^pulumi config set --secret keyStorePassword|^keytool|^KEYSTORE_PASSWORD/, engine("examplesKinds"), ['"keyStorePassword"', '"keytool"', '"Publish.java"'], "examples/java-client/README.md"),
    run(/^ls out\/gateway-1/, engine("examplesKinds"), 'at("gateway-1", "key.pem")', "examples/gateway/README.md"),
    not(/^docker /, "needs Docker's daemon and images; the compose file is checked against its schema (test/unit/docs/pipelines.test.ts)"),
    not(/^sudo chown 799/, "needs root, and the user of ThingsBoard's image", "examples/local-thingsboard/README.md"),
    not("pulumi up", "needs the ThingsBoard in Docker of the lines above; the same settings are those of every example's test", "examples/local-thingsboard/README.md"),
    run(/^pulumi (up|config set)/, engine("examples"), ['test("<folder>"', 'pulumi("up"'], /^examples\/(fleet|fleet-in-a-loop|existing-devices|two-servers)\//),
    not(/^npm install --prefix/, "installs from npm what the repository has installed already", "examples/policy-pack/README.md"),
    run(/--policy-pack/, engine("policies"), 'pulumi("preview", "--policy-pack", pack)'),
    not("npm install", registry, "examples/testing-your-fleet/README.md"),
    run(/^npm (test|run test:node)$/, engine("testing"), ['["Vitest", ["node_modules/vitest/vitest.mjs"', '["node:test", ["--test", "fleet.node.mjs"]'], "examples/testing-your-fleet/README.md"),
];
