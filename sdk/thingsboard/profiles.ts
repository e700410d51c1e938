// Device profiles.

import type { Calls } from "./calls";
import { createOnce, saveOnce } from "./lost";
import type { DeviceProfile, DeviceProfileId, DeviceProfileInfo, NewDeviceProfile } from "./model";
import { pagesOf } from "./pages";
import { part, sameJson, searchable } from "./path";
import type { ThingsBoard } from "./thingsboard";

type Profiles = Pick<
    ThingsBoard,
    "deviceProfile" | "deviceProfileByName" | "defaultDeviceProfile" | "createDeviceProfile" | "saveDeviceProfile" | "deleteDeviceProfile"
>;

export function profiles(calls: Calls): Profiles {
    return {
        deviceProfile,
        deviceProfileByName,

        defaultDeviceProfile: () =>
            calls.make<DeviceProfileInfo>({
                method: "GET",
                path: "/api/deviceProfileInfo/default",
                subject: "the default device profile",
                complaint: "cannot read it",
                repeating: "safe",
                answer: "entity",
            }),

        createDeviceProfile: (profile, isOurs) =>
            createOnce(
                () => write(profile, "cannot create the device profile"),
                async () => {
                    const info = await deviceProfileByName(profile.name);
                    return info && deviceProfile(info.id.id);
                },
                isOurs,
                calls,
            ),

        saveDeviceProfile: profile =>
            saveOnce(
                profile,
                () => write(profile, "cannot change the device profile"),
                () => deviceProfile(profile.id.id),
                found => sameProfile(found, profile),
                calls,
            ),

        deleteDeviceProfile: id =>
            calls.dispose({
                method: "DELETE",
                path: `/api/deviceProfile/${part(id)}`,
                subject: `device profile ${id}`,
                complaint: "cannot delete the device profile",
                repeating: "safe",
                answer: "nothing",
            }),
    };

    function deviceProfile(id: DeviceProfileId): Promise<DeviceProfile | undefined> {
        return calls.find({ ...reading(`device profile ${id}`), path: `/api/deviceProfile/${part(id)}` });
    }

    /** There is no call for one name; the search finds parts of names in any case, with `%` and `_` as wildcards. */
    async function deviceProfileByName(name: string): Promise<DeviceProfileInfo | undefined> {
        const list = { path: "/api/deviceProfileInfos", subject: `device profile "${name}"`, complaint: "cannot read the device profile" };
        for await (const page of pagesOf<DeviceProfileInfo>(calls, { ...list, parameters: { textSearch: searchable(name), sortProperty: "createdTime", sortOrder: "ASC" } })) {
            const match = page.find(profile => profile.name === name);
            if (match) return match;
        }
        return undefined;
    }

    function write(profile: NewDeviceProfile, complaint: string): Promise<DeviceProfile> {
        return calls.make({
            method: "POST",
            path: "/api/deviceProfile",
            body: profile,
            subject: `device profile "${profile.name}"`,
            complaint,
            repeating: "unsafe",
            answer: "profile",
        });
    }
}

function reading(subject: string) {
    return { subject, complaint: "cannot read the device profile", answer: "profile" } as const;
}

function sameProfile(found: DeviceProfile, sent: DeviceProfile): boolean {
    return (
        found.name === sent.name &&
        found.provisionType === sent.provisionType &&
        found.transportType === sent.transportType &&
        sameJson(decisive(found), decisive(sent))
    );
}

/** What decides about provisioning. The server drops the certificate's markers and line breaks and adds fields, so only this can be compared. */
function decisive({ description, profileData }: DeviceProfile): unknown {
    const { provisionDeviceSecret, certificateRegExPattern, allowCreateNewDevicesByX509Certificate } = profileData.provisionConfiguration;
    const secret = (provisionDeviceSecret ?? "").replace(/-----(BEGIN|END) CERTIFICATE-----|[\r\n]/g, "");
    return [description ?? null, secret, certificateRegExPattern ?? null, allowCreateNewDevicesByX509Certificate ?? null];
}
