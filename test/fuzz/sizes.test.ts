// Too much of anything costs neither the time nor the memory of the deployment.

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { describeChain } from "../../sdk/mqtt/serverChain";
import { checkPair } from "../../sdk/mqtt/prepare";
import { connect } from "../../sdk/thingsboard";
import { certificatesIn, requirePair } from "../../sdk/x509/chain";
import { leafFault, readLeaf } from "../../sdk/x509/leaf";
import { checkRequest } from "../../sdk/x509/request";
import { X509Certificate } from "node:crypto";
import { issue } from "../unit/mqtt/certificates";
import { deviceId, errorOf, testClock } from "../unit/thingsboard/support";

const { certificatePem, privateKeyPem } = issue("pump");
const megabytes = (count: number) => "A".repeat(count * 1024 * 1024);
const huge = `-----BEGIN CERTIFICATE-----\n${megabytes(100)}\n-----END CERTIFICATE-----\n`;
const chain = certificatePem.repeat(10_000);
const unended = "-----BEGIN CERTIFICATE-----\n".repeat(1_000_000);
const options = { url: "https://tb.example.com", credentials: { apiKey: "tb_x" } };

async function within<Result>(ms: number, run: () => Result | Promise<Result>): Promise<Result> {
    const began = performance.now();
    const result = await run();
    expect(performance.now() - began).toBeLessThan(ms);
    return result;
}

const readers: readonly (readonly [string, (text: string) => unknown])[] = [
    ["a device's certificate", readLeaf],
    ["a chain", text => certificatesIn(text, "it")],
    ["what a server offers as its chain", text => describeChain(text, "it")],
    ["a request", text => checkRequest(text, { CN: "pump" })],
    ["a key", text => requirePair(new X509Certificate(certificatePem), text, "it")],
    ["a certificate with its key", text => checkPair(text, privateKeyPem)],
    ["a key with its certificate", text => checkPair(certificatePem, text)],
    ["the authority of the REST server", caPem => connect({ ...options, caPem })],
];

test.for(readers)("%s: 100 MB, 10,000 certificates, a million beginnings", { timeout: 60_000 }, async ([, read]) => {
    for (const text of [huge, chain, unended, `${unended}${certificatePem}`]) {
        const error = await within(3_000, async () => errorOf((async () => read(text))()));
        expect(error).toMatchObject({ name: "UserError" });
        expect((error as Error).message.length).toBeLessThan(500);
    }
    expect(leafFault(huge, new Date())).toMatch(/^expected one PEM certificate, found \d+ characters of text$/);
});

let stop = () => undefined as void;
afterEach(() => stop());

/** A ThingsBoard that answers everything so. */
async function answering(answer: (response: ServerResponse) => void) {
    const server = createServer((_request, response) => answer(response));
    await new Promise<void>(listening => server.listen(0, "127.0.0.1", listening));
    stop = () => {
        server.closeAllConnections();
        server.close();
    };
    return connect({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, credentials: { apiKey: "tb_x" }, timeout: 2 }, { clock: testClock(), environment: {} });
}

const json = { "content-type": "application/json" };

/** Goes on for as long as anybody listens; what was read of it is bounded by what was written. */
function pour(response: ServerResponse, piece: string): () => number {
    let poured = 0;
    const more = (): void => {
        while (!response.destroyed && response.write(piece)) poured += piece.length;
    };
    response.on("drain", more);
    more();
    return () => poured;
}

test("an answer without end is left after 16 MiB", { timeout: 60_000 }, async () => {
    let poured = () => 0;
    const client = await answering(response => {
        response.writeHead(200, json);
        response.write('{"id":"');
        poured = pour(response, megabytes(1));
    });
    const error = await within(10_000, () => errorOf(client.deviceById(deviceId)));
    expect((error as Error).message).toContain("is larger than 16 MiB");
    expect(poured()).toBeLessThan(64 * 1024 * 1024);
});

test("a small answer that unpacks to a gigabyte is left after 16 MiB", { timeout: 60_000 }, async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024, 32));
    const client = await answering(response => {
        response.writeHead(200, { ...json, "content-encoding": "gzip" });
        response.end(bomb);
    });
    const before = process.memoryUsage().rss;
    const error = await within(10_000, () => errorOf(client.deviceById(deviceId)));
    expect((error as Error).message).toContain("is larger than 16 MiB");
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
});

test("JSON a hundred thousand levels deep is none of ThingsBoard's", async () => {
    const deep = `{"id":{"id":"${deviceId}"},"name":"pump","additionalInfo":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`;
    const client = await answering(response => {
        response.writeHead(200, json);
        response.end(deep);
    });
    const error = await within(3_000, () => errorOf(client.deviceById(deviceId)));
    expect((error as Error).message).toContain("something that isn't ThingsBoard's");
});

test("a refusal of 15 MiB is quoted in one line", async () => {
    const client = await answering(response => {
        response.writeHead(400, json);
        response.end(JSON.stringify({ status: 400, errorCode: 31, message: " \u0007<".repeat(5 * 1024 * 1024), timestamp: 1 }));
    });
    const error = await within(5_000, () => errorOf(client.deviceById(deviceId)));
    expect((error as Error).message.length).toBeLessThan(1_000);
});

test("a list that has a next page for ever is left", { timeout: 60_000 }, async () => {
    let pages = 0;
    const client = await answering(response => {
        pages++;
        response.writeHead(200, json);
        response.end(JSON.stringify({ data: [{ id: { id: deviceId, entityType: "DEVICE_PROFILE" }, name: "other", title: "other" }], totalPages: 1, totalElements: 1, hasNext: true }));
    });
    for (const look of [() => client.deviceProfileByName("x"), () => client.ruleChainsByName("x"), () => client.dashboardsByTitle("x")]) {
        expect(((await errorOf(look())) as Error).message).toContain("goes on without end");
    }
    expect(pages).toBeLessThan(4_000);
});
