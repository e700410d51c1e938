// Puts the report's page into one script: its own code and what it needs of the plotting library. Part of the build.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const repository = fileURLToPath(new URL("..", import.meta.url));
const page = path.join(repository, "sdk", "report", "page");
const target = path.join(repository, "bin", "report");

mkdirSync(target, { recursive: true });
const bundle = await rolldown({ input: path.join(page, "main.ts"), platform: "browser", logLevel: "warn" });
const { output } = await bundle.generate({ format: "iife", minify: true });
await bundle.close();
copyFileSync(path.join(page, "page.css"), path.join(target, "page.css"));
writeFileSync(path.join(target, "page.js"), `${notices(output[0].moduleIds)}\n${output[0].code}`);

/** The licences of what is in the script ask to be kept with it. @param {readonly string[]} modules */
function notices(modules) {
    const packages = new Set(modules.flatMap((module) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? []));
    const texts = [...packages].sort().map((folder) => {
        const { name, version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
        const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
        if (licence === undefined) throw new Error(`${name} has no licence file`);
        return `${name} ${version}\n\n${readFileSync(path.join(folder, licence), "utf8").trim()}`;
    });
    return `/*!\n${texts.join("\n\n").replaceAll("*/", "* /")}\n*/`;
}
