// `npm run demo`, as a newcomer runs it, and against a ThingsBoard that refuses.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { emulated, live } from "./support/live";

const root = path.resolve(import.meta.dirname, "../..");

async function demo(faults?: object): Promise<{ code: number; output: string; ending: string }> {
    const child = spawn(process.execPath, ["tools/demo.mjs", ...(live ? ["--live"] : faults ? ["--faults", JSON.stringify(faults)] : [])], {
        cwd: root,
        stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    const [code] = (await once(child, "close")) as [number];
    return { code, output, ending: output.slice(output.lastIndexOf("npm run demo:")) };
}

describe.concurrent("the demo", () => {
    it("goes from nothing to nothing, and shows what each device got from ThingsBoard", async () => {
        const { code, output } = await demo();

        expect(code, output).toBe(0);
        expect(output).toMatch(/^ec +CONNACK 0, PUBACK 0: /m);
        expect(output).toMatch(/^rsa +CONNACK 0, PUBACK 0: /m);
        expect(output).toContain("accepted; ThingsBoard now stores temperature 26");
        expect(output).toMatch(/\d bytes searched, none found/);
        expect(output).toContain("+ (ACCESS_TOKEN)");
        expect(output).toMatch(/== \d+\. Done: /);
        expect(output).not.toContain("PRIVATE KEY");
        const stack = /^Updating \((demo-\w+)\)/m.exec(output)?.[1];
        expect(stack).toBeDefined();
        expect(readdirSync(root)).not.toContain(`Pulumi.${stack}.yaml`);
    });

    emulated.test("fails and says why when a device is refused", async () => {
        const { code, ending } = await demo({ mqtt: { connack: 5 } });

        expect(code).toBe(1);
        expect(ending).toMatch(/device "pump-1" was refused .*Not authorized/);
    });

    emulated.test("fails and says why when the publish is not acknowledged", async () => {
        const { code, ending } = await demo({ mqtt: { puback: "withhold" } });

        expect(code).toBe(1);
        expect(ending).toMatch(/pump-1.*PUBACK/);
    });
});
