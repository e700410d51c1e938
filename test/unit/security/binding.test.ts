// Something between here and ThingsBoard that binds another certificate than the one that was sent is found out.

import { onTestFinished, expect, test } from "vitest";
import { deviceCredential } from "../../../sdk/reconcilers/deviceCredential";
import { bind } from "../../../sdk/reconcilers/fleet/provision";
import { connect } from "../../../sdk/thingsboard";
import { readLeaf } from "../../../sdk/x509/leaf";
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
