// An npm registry on this machine, of what package-lock.json has for a user and of the package itself. A real installation
// needs no network then, and what it asks for beyond that is told.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { create } from "tar";
import { type Packed, locked, nameOf, repository } from "./support";

export interface Registry {
    readonly url: string;
    /** Requests for what a user does not need, such as `GET /left-pad`. */
    readonly refused: readonly string[];
    stop(): Promise<void>;
}

export async function startRegistry(packed: Packed): Promise<Registry> {
    const published = publishedBy(packed);
    const optional = optionalPeers(published);
    const refused: string[] = [];
    const app = new Hono();
    app.get("*", async context => {
        const { pathname, origin } = new URL(context.req.url);
        const [name = "", file] = decodeURIComponent(pathname.slice(1)).split("/-/");
        const versions = optional.has(name) ? undefined : published.get(name);
        if (versions && file === undefined) return context.json(await packument(name, versions, origin));
        const version = file === undefined ? undefined : versions?.get(file.slice(0, -".tgz".length));
        if (version) return context.body(new Uint8Array(await version.tarball()));
        return optional.has(name) ? context.json({ error: "not found" }, 404) : context.notFound();
    });
    app.notFound(context => {
        refused.push(`${context.req.method} ${new URL(context.req.url).pathname}`);
        return context.json({ error: "not found" }, 404);
    });
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
    await new Promise(resolve => server.once("listening", resolve));
    return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        refused,
        stop: () => new Promise(resolve => server.close(() => resolve())),
    };
}

interface Manifest {
    readonly version: string;
    readonly dependencies?: Readonly<Record<string, string>>;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
    readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

interface Version {
    readonly manifest: Manifest;
    /** The same bytes each time. */
    tarball(): Promise<Buffer>;
}

type Published = ReadonlyMap<string, ReadonlyMap<string, Version>>;

function publishedBy(packed: Packed): Published {
    const packages = new Map<string, Map<string, Version>>();
    const add = (name: string, folder: string, seen: object, tarball: Version["tarball"]) => {
        const manifest = { ...(JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest), ...seen };
        const versions = packages.get(name) ?? new Map<string, Version>();
        packages.set(name, versions);
        if (!versions.has(manifest.version)) versions.set(manifest.version, { manifest, tarball });
    };
    add("pulumi-thingsboard", repository, {}, () => Promise.resolve(readFileSync(packed.tarball)));
    // The first of several versions is the latest: the one that lies nearest to the project.
    for (const [place, { hasInstallScript }] of [...locked()].sort(([one], [other]) => depth(one) - depth(other))) {
        const folder = path.join(repository, place);
        let tarball: Promise<Buffer> | undefined;
        add(nameOf(place), folder, hasInstallScript ? { hasInstallScript } : {}, () => (tarball ??= packedFrom(folder)));
    }
    return packages;
}

/** What is used if it is there: it is asked for, and nobody installs it. */
function optionalPeers(published: Published): ReadonlySet<string> {
    const manifests = [...published.values()].flatMap(versions => [...versions.values()].map(({ manifest }) => manifest));
    const needed = new Set(manifests.flatMap(({ dependencies, optionalDependencies }) => Object.keys({ ...dependencies, ...optionalDependencies })));
    const peers = manifests.flatMap(({ peerDependenciesMeta }) => Object.entries(peerDependenciesMeta ?? {}));
    return new Set(peers.flatMap(([name, { optional }]) => (optional && !needed.has(name) ? [name] : [])));
}

async function packument(name: string, versions: ReadonlyMap<string, Version>, origin: string): Promise<object> {
    const described: Record<string, object> = {};
    for (const [version, { manifest, tarball }] of versions) {
        const integrity = `sha512-${createHash("sha512").update(await tarball()).digest("base64")}`;
        described[version] = { ...manifest, dist: { tarball: `${origin}/${name}/-/${version}.tgz`, integrity } };
    }
    const [latest] = versions.keys();
    // pnpm does not take what is younger than a day.
    const time = Object.fromEntries([...versions.keys(), "modified"].map(version => [version, "2020-01-01T00:00:00.000Z"]));
    return { name, "dist-tags": { latest }, versions: described, time };
}

/** As it was published, without what npm has put below it. */
async function packedFrom(folder: string): Promise<Buffer> {
    return create({ cwd: folder, prefix: "package", portable: true, gzip: { level: 0 }, filter: name => !/^(\.\/)?node_modules(\/|$)/.test(name) }, ["."]).concat();
}

const depth = (place: string): number => place.split("node_modules/").length;
