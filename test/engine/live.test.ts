// `npm run test:live`, rehearsed: a ThingsBoard in a process of its own, behind HTTPS with a private authority.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { restClient } from "../../tools/live/rest.mjs";
import { repository } from "./support/commandLine";
import { emulated } from "./support/live";
import { type ReverseProxy, reverseProxy } from "./support/reverseProxy";

interface Whereabouts {
    readonly restUrl: string;
    readonly mqttsHost: string;
    readonly mqttsPort: number;
    readonly caFile: string;
    readonly username: string;
    readonly password: string;
}

let emulator: ChildProcess;
let where: Whereabouts;
let proxy: ReverseProxy;
let folder: string;
let environment: Record<string, string>;

beforeAll(async () => {
    emulator = spawn(process.execPath, ["bin/cli/main.js", "emulator", "--json"], { cwd: repository, stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(emulator.stdout!, "data")) as [Buffer];
    where = JSON.parse(line.toString()) as Whereabouts;
    proxy = await reverseProxy(where.restUrl);
    folder = mkdtempSync(path.join(tmpdir(), "pulumi-thingsboard-live-"));
    writeFileSync(path.join(folder, "ca.pem"), proxy.caPem + readFileSync(where.caFile, "utf8"));
    environment = {
        THINGSBOARD_URL: proxy.url,
        THINGSBOARD_USERNAME: where.username,
        THINGSBOARD_PASSWORD: where.password,
        THINGSBOARD_MQTTS: `${where.mqttsHost}:${where.mqttsPort}`,
        THINGSBOARD_CA: path.join(folder, "ca.pem"),
    };
});
afterAll(async () => {
    emulator.kill();
    await proxy.stop();
    rmSync(folder, { recursive: true, force: true });
});

function testLive(args: readonly string[], changes: Readonly<Record<string, string | undefined>> = {}) {
    const child = spawn(process.execPath, ["tools/testLive.mjs", ...args], { cwd: repository, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment, ...changes } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    const ended = once(child, "close").then(([code]) => ({ code: code as number, output }));
    return { child, ended, output: () => output };
}

const left = async () => {
    const rest = restClient({ url: where.restUrl, username: where.username, password: where.password });
    const names = async (list: string) => (await rest.call<{ data: { name: string }[] }>("GET", `${list}?pageSize=100&page=0&textSearch=live-`)).data.map(({ name }) => name);
    const found = [...(await names("/api/tenant/devices")), ...(await names("/api/deviceProfileInfos")), ...(await names("/api/customers"))];
    rest.close();
    return found;
};

emulated.test("tests run there, those that need the emulator are counted, and nothing is left", async () => {
    const { code, output } = await testLive(["test/engine/publishCheck.test.ts", "test/engine/device.test.ts", "-t", "mode connect|refused connection|a profile and a customer"]).ended;
    expect(code, output).toBe(0);
    expect(output).toContain("ThingsBoard CE 4.3.1.3, as tenant@thingsboard.org; devices connect at localhost:");
    // Profiles, a customer, and the devices that made the profiles, which the test leaves to whoever runs it.
    expect(output).toMatch(/removed what was left behind: (device live-\w+-\w+-[\w-]+, )+(device profile live-\w+-\w+-[\w-]+, )+customer live-\w+-\w+-Acme$/m);
    expect(output).toMatch(/^2 passed, 0 failed, \d+ need the emulator and were not run$/m);
    expect(await left()).toEqual([]);
    expect(proxy.requests.length).toBeGreaterThan(10);
});

emulated.test("a run that is stopped in the middle leaves nothing either", async () => {
    const { child, ended, output } = testLive(["test/engine/device.test.ts", "-t", "a profile and a customer"]);
    await expect.poll(left, { timeout: 60_000, interval: 100 }).not.toEqual([]);
    child.kill("SIGTERM");
    await ended;
    expect(output()).toContain("removed what was left behind");
    expect(await left()).toEqual([]);
});

emulated.test.each([
    [{ THINGSBOARD_URL: undefined }, "THINGSBOARD_URL is not set. It is named by the environment:"],
    [{ THINGSBOARD_API_KEY: "tb_x" }, "THINGSBOARD_API_KEY is set, and THINGSBOARD_USERNAME or THINGSBOARD_PASSWORD too"],
    [{ THINGSBOARD_PASSWORD: "wrong-password" }, "POST /api/auth/login answered 401"],
    [{ THINGSBOARD_CA: "/nowhere.pem" }, "THINGSBOARD_CA: /nowhere.pem can't be read (ENOENT)"],
    [{ THINGSBOARD_USERNAME: "customer@thingsboard.org", THINGSBOARD_PASSWORD: "customer" }, "customer@thingsboard.org is CUSTOMER_USER: the tests need a tenant administrator"],
])("what is wrong is said before anything runs (%#)", async (changes, sentence) => {
    const { code, output } = await testLive([], changes).ended;
    expect(code).toBe(1);
    expect(output).toContain(`npm run test:live: ${sentence}`);
    expect(output).not.toContain("wrong-password");
});
