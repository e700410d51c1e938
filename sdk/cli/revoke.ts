// `pulumi-thingsboard revoke <device>`: for the emergency that can't wait for a deployment.
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { type Revocation, revoke } from "../reconcilers/revoke";
import { printable } from "../printable";
import { readSettings } from "../settings";
import { connect } from "../thingsboard";

export function revokeCommand(): Command {
    return new Command("revoke")
        .description("revokes a device's certificate on ThingsBoard at once, and for later deployments")
        .argument("<device>", "name of the device, as ThingsBoard shows it")
        .option("--json", "tells what was done as one line of JSON")
        .addHelpText(
            "after",
            `
Which ThingsBoard, and as whom: THINGSBOARD_URL, and THINGSBOARD_API_KEY or THINGSBOARD_USERNAME and THINGSBOARD_PASSWORD.

The device gets a random access token in the place of its certificate, its session is closed, and the certificate is
noted in its server attribute pulumiRevoked, so that no later "pulumi up" binds it again. Exit code 0: revoked; 1: nothing
was done; 2: done in part, and what is left is said.`,
        )
        .action(async (device: string, { json }: { json?: boolean }) => {
            const settings = readSettings({}, process.env);
            const done = await revoke(connect(settings), device, { now: Date.now, sleep: (time) => sleep(time) });
            console.log(json ? printable(JSON.stringify(done)) : told(done, settings.url));
            for (const warning of warnings(done)) console.error(`warning: ${printable(warning)}`);
            if (!done.recorded || done.session === "open" || done.boundAgain) process.exitCode = 2;
        });
}

const told = ({ deviceName, deviceId, credentialsId, at, recorded, session }: Revocation, url: string): string => `Revoked: the certificate of device "${printable(deviceName)}" on ${url}, ${at}

  certificate     ${credentialsId} (credentialsId)
  the device      ${deviceId} now holds a random access token that nobody knows
  its session     ${{ none: "it never had one", closed: "is closed", open: "is still open" }[session]}
  deployments     ${recorded ? "will not bind this certificate again (server attribute pulumiRevoked)" : "are not told"}

Next: issue a new key and certificate for the device, or take it out of the program; the next "pulumi up --refresh" says so.`;

function warnings({ deviceName, recorded, session, boundAgain, chainProfile }: Revocation): string[] {
    return [
        ...(recorded ? [] : [`the certificate could not be noted in the device's attribute pulumiRevoked: a "pulumi up" of the old program would bind it again; take it out of the program first`]),
        ...(session === "open" ? [`the session that device "${deviceName}" had is still open and may go on publishing until its connection ends: close it at the network, or delete the device`] : []),
        ...(boundAgain ? [`device "${deviceName}" holds a certificate again: it has enrolled anew`] : []),
        ...(chainProfile === undefined
            ? []
            : [
                  `profile "${chainProfile}" has the X.509 chain strategy: releasing one certificate does not shut its owner out. Whoever has the key can sign a certificate for any name in the ` +
                      `profile and take that device over. Take the authority out of the profile (another one, or no x509Chain) until every device has a certificate of a new authority`,
              ]),
    ];
}
