// `npm run sbom`: the bill of materials (CycloneDX) of what a user installs, to standard output.
//
// By `npm sbom`, of a package.json and a lock file that never heard of development: with `--omit=dev` npm 11 leaves out
// what development and users both need.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { repository } from "./steps.mjs";

const read = (/** @type {string} */ name) => JSON.parse(fs.readFileSync(path.join(repository, name), "utf8"));

const { devDependencies: _tools, ...manifest } = read("package.json");
const lock = read("package-lock.json");
const packages = Object.entries(lock.packages).filter(([, { dev }]) => !dev);
const { devDependencies: _same, ...root } = lock.packages[""];

const above = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-thingsboard-sbom-"));
try {
    // npm calls the whole by its folder.
    const folder = path.join(above, manifest.name);
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest));
    fs.writeFileSync(path.join(folder, "package-lock.json"), JSON.stringify({ ...lock, packages: { ...Object.fromEntries(packages), "": root } }));
    const { status } = spawnSync("npm", ["sbom", "--sbom-format=cyclonedx", "--package-lock-only"], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
    process.exitCode = status ?? 1;
} finally {
    fs.rmSync(above, { recursive: true, force: true });
}
