// The page of all messages: a table for each thing that says them.

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { messagesIn } from "./find.mjs";

const repository = fileURLToPath(new URL("../..", import.meta.url));
export const page = path.join(repository, "docs", "messages.md");

/**
 * What is said where. docs/troubleshooting.md has the refusals of a publish check and of REST by their cause, too.
 *
 * @type {[title: string, files: string[]][]}
 */
const sections = [
    ["Which ThingsBoard", ["settings.ts", "provider.ts", "thingsboard/options.ts", "thingsboard/calls.ts", "thingsboard/path.ts"]],
    ["The package itself", ["plugin.ts", "resources/resolvable.ts"]],
    ["`Device`", ["resources/device.ts", "reconcilers/device.ts", "reconcilers/deviceInputs.ts", "reconcilers/assignment.ts", "reconcilers/ownership.ts", "reconcilers/drift.ts"]],
    ["`DeviceCertificate`", ["resources/deviceCertificate.ts", "resources/deviceCertificateWays.ts", "resources/rotation.ts", "resources/renewal.ts", "resources/keyAlgorithm.ts"]],
    ["`CertificateAuthority`", ["resources/certificateAuthority.ts", "resources/certificateAuthorityWays.ts", "resources/authorityRenewal.ts"]],
    ["Certificates, keys and requests that are given", ["x509/leaf.ts", "x509/chain.ts", "x509/request.ts", "x509/commonNamePattern.ts", "mqtt/pem.ts"]],
    ["`DeviceCredential`", ["resources/deviceCredential.ts", "reconcilers/deviceCredential.ts", "reconcilers/deviceCredentialInputs.ts", "reconcilers/rollback.ts", "reconcilers/revoked.ts"]],
    ["`PublishCheck`, before it connects", ["resources/publishCheck.ts", "reconcilers/publishCheck.ts", "reconcilers/checkRun.ts", "mqtt/prepare.ts", "mqtt/payload.ts"]],
    ["`DeviceProfile`", ["resources/deviceProfile.ts", "reconcilers/deviceProfile.ts", "reconcilers/deviceProfileContent.ts", "reconcilers/deviceProfileInputs.ts"]],
    ["`EnrolmentCheck`", ["resources/enrolmentCheck.ts", "reconcilers/enrolmentCheck.ts", "reconcilers/enrolmentRun.ts"]],
    ["`DeviceBundle`", ["resources/deviceBundle.ts", "reconcilers/deviceBundle.ts", "reconcilers/bundleFolder.ts"]],
    ["`ServerChain`", ["reconcilers/serverChain.ts", "reconcilers/serverChainInputs.ts", "mqtt/serverChain.ts"]],
    ["`DeviceFleet`", ["resources/deviceFleet.ts", "resources/fleetBatch.ts", "reconcilers/fleetBatch.ts", "reconcilers/fleetMembership.ts", "reconcilers/fleet/"]],
    ["A publish check that is refused", ["mqtt/diagnosis.ts", "mqtt/diagnoseNetwork.ts", "mqtt/diagnoseTls.ts", "mqtt/diagnoseMqtt.ts", "mqtt/diagnoseUnauthorized.ts", "mqtt/observe.ts", "mqtt/wording.ts"]],
    ["A call of ThingsBoard's REST API that fails", ["thingsboard/explain.ts", "thingsboard/failure.ts", "thingsboard/stranger.ts", "thingsboard/session.ts", "thingsboard/shape.ts"]],
    ["The command line", ["cli/", "reconcilers/revoke.ts"]],
    ["Tests of your own", ["testing/"]],
];

/** @returns {string} the whole page */
export function messagesPage() {
    const sdk = path.join(repository, "sdk");
    const files = fs.readdirSync(sdk, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts") && !file.startsWith("emulator")).map((file) => file.split(path.sep).join("/")).sort();
    const left = new Map(files.map((file) => [file, messagesIn(path.join(sdk, file))]));
    const tables = sections.map(([title, wanted]) => {
        const told = wanted.flatMap((name) => files.filter((file) => (name.endsWith("/") ? file.startsWith(name) : file === name)));
        const messages = [...new Set(told.flatMap((file) => left.get(file) ?? []))];
        for (const file of told) left.delete(file);
        return messages.length === 0 ? "" : table(title, messages);
    });
    const others = [...new Set([...left.values()].flat())];
    if (others.length > 0) tables.push(table("Others", others));
    return `${head}\n${tables.filter(Boolean).join("\n")}`;
}

/** @param {string} title @param {string[]} messages */
function table(title, messages) {
    return `## ${title}\n\n| what is said | what to do |\n| --- | --- |\n${messages.map(row).join("\n")}\n`;
}

const head = `<!-- Written by \`npm run docs:messages\` from the code: don't edit. -->

# All messages

Everything that this package says about what is wrong, in its own words; \`…\` stands for a name or a value. Each begins with the
resource that it is about. [Troubleshooting](troubleshooting.md) has those of a publish check and of REST by their cause, and says more about them.
`;

/** A message says what is wrong, and after a colon, or a semicolon, what to do. @param {string} message */
function row(message) {
    const cut = [...message.matchAll(/[:;] (?!true|false|\()/g)].map(({ index }) => index).filter((index) => !isWithinBrackets(message, index)).at(-1) ?? message.length;
    const [what, remedy] = message.startsWith("…", cut + 2) && cut < 4 ? [message, ""] : [message.slice(0, cut), message.slice(cut + 2)];
    return `| ${cell(what.replace(/^…: (?!…)/, ""))} | ${cell(remedy)} |`;
}

/** @param {string} message @param {number} index */
function isWithinBrackets(message, index) {
    const before = message.slice(0, index);
    return before.split("(").length > before.split(")").length;
}

/** @param {string} text */
function cell(text) {
    return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("*", "\\*").replaceAll("\n", " ").trim();
}
