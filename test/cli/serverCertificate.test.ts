// `pulumi-thingsboard server-certificate`: a server with these files is trusted by who has the CA, and by nobody else.

import { chmodSync, lstatSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { openssl } from "../support/openssl";
import { command, folder, json } from "./support";

const read = (at: string, name: string) => readFileSync(path.join(at, name), "utf8");

async function serving(at: string): Promise<number> {
    const server = createServer({ cert: read(at, "server.pem"), key: read(at, "server_key.pem") });
    server.on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    return (server.address() as AddressInfo).port;
}

async function trusts(port: number, ca: string, servername: string): Promise<string> {
    const socket: TLSSocket = connect({ host: "127.0.0.1", port, ca, servername, minVersion: "TLSv1.2" });
    try {
        return await Promise.race([once(socket, "secureConnect").then(() => "trusted"), once(socket, "error").then(([error]) => (error as NodeJS.ErrnoException).code ?? "error")]);
    } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? "error";
    } finally {
        socket.destroy();
    }
}

test("keys for their owner alone, a server that its CA's owner trusts, and settings for ThingsBoard", async () => {
    const at = path.join(folder().path, "certificates");
    const ran = await command({}, ["server-certificate", "--host", "mqtt.example.org", "--host", "127.0.0.1", "--out", at, "--days", "90"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain(`MQTT_SSL_PEM_CERT=${at}/server.pem\n  MQTT_SSL_PEM_KEY=${at}/server_key.pem`);
    expect(ran.stdout).not.toContain("PRIVATE KEY");
    for (const name of ["server_key.pem", "ca_key.pem"]) expect(statSync(path.join(at, name)).mode & 0o777, name).toBe(0o600);

    expect(openssl(["verify", "-purpose", "sslserver", "-CAfile", path.join(at, "ca.pem"), path.join(at, "server.pem")])).toMatch(/OK\n$/);
    const port = await serving(at);
    expect(await trusts(port, read(at, "ca.pem"), "mqtt.example.org")).toBe("trusted");
    expect(await trusts(port, read(at, "ca.pem"), "elsewhere.example.org")).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    const [leaf] = json<{ daysLeft: number }[]>(await command({}, ["fingerprint", "--json", path.join(at, "server.pem")]));
    expect(leaf!.daysLeft).toBe(89);
});

test("--renew leaves no key open to others, and writes through no link", async () => {
    const at = path.join(folder().path, "certificates");
    const make = (...more: string[]) => command({}, ["server-certificate", "--host", "localhost", "--out", at, ...more]);
    await make();
    const elsewhere = path.join(at, "elsewhere");
    renameSync(path.join(at, "server_key.pem"), elsewhere);
    symlinkSync(elsewhere, path.join(at, "server_key.pem"));
    chmodSync(path.join(at, "ca_key.pem"), 0o644);
    const before = read(at, "elsewhere");
    expect(await make("--renew")).toMatchObject({ code: 0, stderr: "" });
    expect(read(at, "elsewhere")).toBe(before);
    for (const name of ["server_key.pem", "ca_key.pem"]) expect(lstatSync(path.join(at, name)).mode & 0o170777, name).toBe(0o100600);

    chmodSync(at, 0o777);
    expect(await make("--renew")).toMatchObject({ code: 1, stderr: `others may write to ${at} (mode 777), and secrets go there: run "chmod go-w" on it, or choose another folder with --out\n` });
});

test("what is there is not overwritten; --renew keeps the CA that devices trust", async () => {
    const at = path.join(folder().path, "certificates");
    const make = (...more: string[]) => command({}, ["server-certificate", "--host", "localhost", "--out", at, "--json", ...more]);
    const first = json<{ fingerprint: string }>(await make());
    const ca = read(at, "ca.pem");
    const again = await make();
    expect(again.code).toBe(1);
    expect(again.stderr).toBe(`${at} holds a server.pem already: choose another folder, or replace the certificate with one of the same CA with --renew.\n`);

    const renewed = json<{ fingerprint: string }>(await make("--renew"));
    expect(renewed.fingerprint).not.toBe(first.fingerprint);
    expect(read(at, "ca.pem")).toBe(ca);
    expect(await trusts(await serving(at), ca, "localhost")).toBe("trusted");

    writeFileSync(path.join(at, "ca_key.pem"), read(at, "server_key.pem"));
    const mixed = await make("--renew");
    expect([mixed.code, mixed.stderr]).toEqual([1, `${at}/ca_key.pem does not belong to the certificate "CN=CA of localhost": give the pair that was made together\n`]);
});

test("a host with a scheme is refused before anything is written", async () => {
    const { code, stderr } = await command({}, ["server-certificate", "--host", "mqtts://localhost", "--out", "x"]);
    expect(code).toBe(2);
    expect(stderr).toContain("It must be a name or an address alone, such as mqtt.example.com");
});
