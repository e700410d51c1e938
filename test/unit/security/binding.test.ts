// Something between here and ThingsBoard that binds another certificate than the one that was sent is found out.

import { text } from "node:stream/consumers";
import { onTestFinished, expect, test } from "vitest";
import { deviceCredential } from "../../../sdk/reconcilers/deviceCredential";
import { bind } from "../../../sdk/reconcilers/fleet/provision";
import { type FleetBatchInputs, type FleetBatchState, fleetBatch } from "../../../sdk/reconcilers/fleetBatch";
import { Unfinished } from "../../../sdk/reconcilers/reconciler";
import { connect } from "../../../sdk/thingsboard";
import { certificateId, readLeaf } from "../../../sdk/x509/leaf";
import { reverseProxy } from "../../engine/support/reverseProxy";
import { underTest } from "../../reconcilers/support";
import { selfSigned } from "../../support/openssl";

test("the answer's credentialsId is that of the certificate, or the deployment fails and says so", async () => {
    const tb = await underTest();
    onTestFinished(() => tb.stop());
    const id = (await tb.thingsboard.createDevice({ name: "pump-1" }, () => false)).id;
    const row = (await tb.thingsboard.credentials(id.id))!;
    const other = readLeaf(selfSigned("somebody else's"));
    const between = await reverseProxy(tb.emulator.restUrl, {
        plain: true,
        answer: ({ method, url }, response) => {
            if (method !== "POST" || url !== "/api/device/credentials") return false;
            response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ ...row, credentialsType: "X509_CERTIFICATE", credentialsId: other.credentialsId, credentialsValue: other.base64Der }));
            return true;
        },
    });
    onTestFinished(() => between.stop());
    const thingsboard = connect({ url: between.url, credentials: { apiKey: tb.emulator.apiKey } });
    const own = selfSigned("pump-1");
    const { credentialsId, base64Der, notAfter } = readLeaf(own);
    const sentence = `device "pump-1": ThingsBoard answered with credentials ${other.credentialsId} instead of ${credentialsId}: something between here and ThingsBoard changes what is sent`;
    const credential = deviceCredential(() => ({ ...tb.server, thingsboard }), () => new Date(), () => undefined);
    await expect(credential.create({ deviceName: "pump-1", certificatePem: own, declaredBy: "p/s/pump-1" })).rejects.toThrow(sentence);
    await expect(bind(thingsboard, { id, name: "pump-1" }, { certificate: base64Der, notAfter: notAfter.toISOString(), from: {} })).rejects.toThrow(sentence);
});

test("what a fleet creates holds what was sent, or is named, kept in the state, and put right by the next run; once one is right no more are asked for", async () => {
    const tb = await underTest();
    onTestFinished(() => tb.stop());
    const others: string[] = [];
    const asked: string[] = [];
    let meddles = true;
    const between = await reverseProxy(tb.emulator.restUrl, {
        plain: true,
        answer: (incoming, response) => {
            const [, credentialsOf] = /^\/api\/device\/([^/]+)\/credentials$/.exec(incoming.url ?? "") ?? [];
            if (credentialsOf !== undefined && incoming.method === "GET") asked.push(credentialsOf);
            if (!meddles || incoming.url !== "/api/device-with-credentials") return false;
            const other = readLeaf(selfSigned("somebody else's"));
            others.push(other.credentialsId);
            void text(incoming).then(async sent => {
                const { device } = JSON.parse(sent) as { device: object };
                const body = JSON.stringify({ device, credentials: { credentialsType: "X509_CERTIFICATE", credentialsValue: other.base64Der } });
                const headers = { "Content-Type": "application/json", "X-Authorization": String(incoming.headers["x-authorization"]) };
                const answered = await fetch(`${tb.emulator.restUrl}${incoming.url}`, { method: "POST", headers, body });
                response.writeHead(answered.status, { "Content-Type": "application/json" }).end(await answered.text());
            });
            return true;
        },
    });
    onTestFinished(() => between.stop());
    const thingsboard = connect({ url: between.url, credentials: { apiKey: tb.emulator.apiKey } });
    const server = { ...tb.server, thingsboard };
    const fleet = fleetBatch(() => server, () => undefined, () => new Date());
    const declared: FleetBatchInputs = {
        fleet: "project/stack/pumps",
        batch: 0,
        batches: 1,
        members: ["pump-1", "pump-2"],
        settings: { algorithm: "EC_P256", validityDays: 365, renewBeforeDays: 30, renewalJitterDays: 0, rotationPolicy: "always", renewal: "report", publishCheck: "none", onRemove: "revoke", onDrift: "repair", adopt: false },
        concurrency: 1,
    };
    const refused: unknown = await fleet.create(declared).catch((error: unknown) => error);
    if (!(refused instanceof Unfinished)) throw new Error(`it took ${others.join(" and ")} for its own`);
    const state = refused.properties as FleetBatchState;
    const certificateOf = (name: string, { devices }: FleetBatchState) => certificateId(devices[name]!.certificate);
    const sentence = (name: string, held: string) => `device "${name}": ThingsBoard answered with credentials ${held} instead of ${certificateOf(name, state)}: something between here and ThingsBoard changes what is sent`;
    expect(state.failed).toEqual({ "pump-1": sentence("pump-1", others[0]!), "pump-2": sentence("pump-2", others[1]!) });

    meddles = false;
    const repaired = (await fleet.update("id", state, declared)).outs!;
    expect(repaired.summary).toMatchObject({ devices: 2, failed: 0 });

    asked.length = 0;
    const members = ["pump-1", "pump-2", "pump-3", "pump-4", "pump-5"];
    const grown = (await fleet.update("id", repaired, { ...declared, members })).outs!;
    expect(grown.summary).toMatchObject({ devices: 5, failed: 0 });
    expect(asked).toEqual([grown.devices["pump-3"]!.id]);
    for (const name of members) expect((await tb.thingsboard.credentials(grown.devices[name]!.id))?.credentialsId).toBe(certificateOf(name, grown));
});
