// `pulumi-thingsboard revoke <device>`: for the emergency that can't wait for a deployment.
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { type Revocation, revoke } from "../reconcilers/revoke";
import { printable } from "../printable";
import { connect } from "../thingsboard";
import { command, type JsonFlag } from "./frame/command";
import { aboutServer, configured, type ServerFlags, settingsOf, withServer } from "./server/flags";

export function revokeCommand(): Command {
    const revocation = command("revoke", {
        summary: "revokes a device's certificate on ThingsBoard at once, and for later deployments",
        about: `The device gets a random access token in the place of its certificate, its session is closed, and the certificate is
noted in its server attribute pulumiRevoked, so that no later "pulumi up" binds it again.

${aboutServer}`,
        examples: [
            ["pulumi-thingsboard revoke pump-1", "with the settings of the environment"],
            ["pulumi-thingsboard revoke pump-1 --stack prod", "with those of a stack"],
        ],
        exitCodes: { 0: "revoked", 1: "nothing was done, and why is said", 3: "done in part, and what is left is said" },
    }).argument("<device>", "name or id of the device");
    return withServer(revocation).action(run);
}

const inPart = 3;

async function run(device: string, flags: ServerFlags & JsonFlag): Promise<void> {
    const settings = settingsOf(await configured(flags));
    const done = await revoke(connect(settings), device, { now: Date.now, sleep: (time) => sleep(time) });
    const said = warnings(done);
    console.log(flags.json ? printable(JSON.stringify({ ...done, warnings: said })) : told(done, settings.url));
    for (const warning of said) console.error(`warning: ${printable(warning)}`);
    if (!done.recorded || done.session === "open" || done.boundAgain || done.unseen.length > 0) process.exitCode = inPart;
}

const told = ({ deviceName, deviceId, credentialsId, at, recorded, session }: Revocation, url: string): string => `Revoked: the certificate of device "${printable(deviceName)}" on ${url}, ${at}

  certificate     ${credentialsId} (credentialsId)
  the device      ${deviceId} now holds a random access token that nobody knows
  its session     ${{ none: "it never had one", closed: "is closed", open: "is still open", unknown: "could not be looked at" }[session]}
  deployments     ${recorded ? "will not bind this certificate again (server attribute pulumiRevoked)" : "are not told"}

Next: issue a new key and certificate for the device, or take it out of the program; the next "pulumi up --refresh" says so.`;

function warnings({ deviceName, recorded, session, boundAgain, chainProfile, unseen }: Revocation): string[] {
    return [
        ...(recorded ? [] : [`the certificate could not be noted in the device's attribute pulumiRevoked: a "pulumi up" of the old program would bind it again; take it out of the program first`]),
        ...(session === "open" ? [`the session that device "${deviceName}" had is still open and may go on publishing until its connection ends: close it at the network, or delete the device`] : []),
        ...unseen.map(({ what, why }) => `whether ${{ session: `the session of device "${deviceName}" is over`, boundAgain: "it has enrolled anew", chainProfile: "its profile lets it enrol again by its chain" }[what]} could not be seen: ${why}: run "pulumi-thingsboard explain" on it, which says when it was last connected`),
        ...(boundAgain ? [`device "${deviceName}" holds a certificate again: it has enrolled anew`] : []),
        ...(chainProfile === undefined
            ? []
            : [
                  `profile "${chainProfile}" has the X.509 chain strategy: releasing one certificate does not shut its owner out. Whoever has the key can sign a certificate for any name in the ` +
                      `profile and take that device over. Take the authority out of the profile (another one, or no x509Chain) until every device has a certificate of a new authority`,
              ]),
    ];
}
