// Run by the release workflow: `node tools/release/check.mjs v1.2.3` fails where that version is not ready to be published;
// with `--notes` it prints what the changelog says of it.

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/**
 * What stands in the changelog below the heading of a version.
 *
 * @param {string} changelog
 * @param {string} version
 * @returns {string | undefined}
 */
export function notesOf(changelog, version) {
    const sections = changelog.split(/^## /m).slice(1);
    const section = sections.find((text) => text.split("\n", 1)[0]?.trim() === version);
    return section?.slice(section.indexOf("\n")).trim();
}

/**
 * Why this tag can't be published, one sentence each.
 *
 * @param {string} tag
 * @param {string} folder the repository
 * @returns {string[]}
 */
export function faultsOf(tag, folder) {
    const read = (/** @type {string} */ name) => fs.readFileSync(path.join(folder, name), "utf8");
    const { version } = JSON.parse(read("package.json"));
    const faults = [];
    if (tag !== `v${version}`) faults.push(`the tag is ${tag}, and package.json says ${version}: tag the commit that sets the version`);
    if (JSON.parse(read("package-lock.json")).version !== version) faults.push(`package-lock.json is of another version than package.json (${version}): run npm install --package-lock-only --ignore-scripts`);
    if (!notesOf(read("CHANGELOG.md"), version)) faults.push(`CHANGELOG.md has no section "## ${version}", or an empty one: say what users will see`);
    if (!fs.existsSync(path.join(folder, "test", "upgrade", version, "stack.json"))) {
        faults.push(`test/upgrade/${version} is missing: record what this version deploys (node test/upgrade/record.mjs ${version}), for later ones to read`);
    }
    return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const [tag = "", notes] = process.argv.slice(2);
    const faults = faultsOf(tag, repository);
    for (const fault of faults) console.error(fault);
    if (faults.length > 0) process.exitCode = 1;
    else if (notes === "--notes") console.log(notesOf(fs.readFileSync(path.join(repository, "CHANGELOG.md"), "utf8"), tag.slice(1)));
    else console.log(`${tag} is ready`);
}
