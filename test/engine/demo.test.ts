// `npm run demo`, as a newcomer runs it, and against a ThingsBoard that refuses.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { emulated, live } from "./support/live";

const root = path.resolve(import.meta.dirname, "../..");

async function demo(...args: string[]): Promise<{ code: number; output: string; ending: string }> {
    const child = spawn(process.execPath, ["tools/demo.mjs", ...(live ? ["--live"] : args)], {
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
        const { code, ending } = await demo("--faults", '{"mqtt":{"connack":5}}');

        expect(code).toBe(1);
        expect(ending).toMatch(/device "pump-1" was refused .*Not authorized/);
    });

    emulated.test("fails and says why when the publish is not acknowledged", async () => {
        const { code, ending } = await demo("--faults", '{"mqtt":{"puback":"withhold"}}');

        expect(code).toBe(1);
        expect(ending).toMatch(/pump-1.*PUBACK/);
    });

    emulated.test("--explain breaks one thing after another, and each has its sentence", async () => {
        const { code, output } = await demo("--explain");

        expect(code, output).toBe(0);
        const said = Object.fromEntries([...output.matchAll(/^-- (.*):\n {3}(.*)$/gm)].map(([, title, sentence]) => [title, sentence]));
        expect(said).toEqual({
            "no ThingsBoard is named": expect.stringContaining("no ThingsBoard is configured: give a Provider with url and apiKey"),
            "a private key is given as the certificate": expect.stringContaining('device "pump-7": certificatePem: expected one PEM certificate, found a private key'),
            "the password is wrong": expect.stringContaining("correct username and password; they are not tried again"),
            "an API key is given to a server before 4.3": expect.stringContaining("this is ThingsBoard 3.8.1, and API keys need 4.3 or later"),
            "the user lacks the rights": expect.stringContaining("the user needs the rights of a tenant administrator"),
            "nothing listens at the address": expect.stringContaining("127.0.0.1:1 refuses the connection"),
            "something else answers at the address": expect.stringContaining("answers with a web page"),
            "the server's certificate is of a private CA": expect.stringContaining("give that CA's certificate as caPem"),
            "the tenant may have no more devices": expect.stringContaining("the tenant has as many devices as it may have (1)"),
            "all is well": expect.stringMatching(/^publish check: device "pump-1" was accepted .* is stored$/),
            "the port is wrong": expect.stringContaining("nothing listens there (ECONNREFUSED)"),
            "it is the port without TLS": expect.stringContaining("set mqttPort to the port for MQTT over TLS"),
            "the MQTT server's certificate is of a private CA": expect.stringContaining("give the authority that signed it as mqttCaPem"),
            "a load balancer ends TLS in front of ThingsBoard": expect.stringContaining("no certificate reached ThingsBoard"),
            "the topic has a slip of the pen": expect.stringContaining('ThingsBoard does not know the topic "v1/devices/me/telemtry"'),
            "the payload is no JSON": expect.stringContaining("PUBACK 0x99"),
            "somebody took the certificate off the device": expect.stringContaining("somebody changed it and the device now holds an access token"),
            "the server's clock is two days slow": expect.stringContaining("the server's clock is 2 days behind this machine's"),
        });
        expect(output).not.toMatch(/^\s+at /m);
        expect(output).not.toContain("not-this-one");
    });
});
