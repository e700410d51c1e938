// What a device profile refers to, and who refers to it. Rule chains and dashboards are taken from ThingsBoard's source.

import type { Calls } from "./calls";
import { isApiError } from "./errors";
import type { DeviceProfile, NamedEntity, PageData } from "./model";
import { pagesOf } from "./pages";
import { part, query, searchable } from "./path";
import type { ThingsBoard } from "./thingsboard";

type Surroundings = Pick<ThingsBoard, "ruleChainsByName" | "ruleChainName" | "dashboardsByTitle" | "dashboardTitle" | "makeDefaultDeviceProfile" | "devicesOfProfile">;

interface Titled {
    readonly id: { readonly id: string };
    readonly name?: string;
    readonly title?: string;
}

export function surroundings(calls: Calls): Surroundings {
    const nameOf = ({ title, name }: Titled) => title ?? name ?? "";
    return {
        ruleChainsByName: name => allNamed("rule chain", "/api/ruleChains", "name", name),
        ruleChainName: async id => nameIfThere(await calls.find<Titled>({ ...reading(`rule chain ${id}`), path: `/api/ruleChain/${part(id)}` })),

        dashboardsByTitle: title => allNamed("dashboard", "/api/tenant/dashboards", "title", title),
        dashboardTitle: async id => nameIfThere(await calls.find<Titled>({ ...reading(`dashboard ${id}`), path: `/api/dashboard/info/${part(id)}` })),

        makeDefaultDeviceProfile: id =>
            calls.make<DeviceProfile>({
                method: "POST",
                path: `/api/deviceProfile/${part(id)}/default`,
                subject: `device profile ${id}`,
                complaint: "cannot make it the default",
                repeating: "safe",
                answer: "entity",
            }),

        async devicesOfProfile(id) {
            const parameters = query({ pageSize: 1, page: 0, deviceProfileId: id, sortProperty: "createdTime", sortOrder: "DESC" });
            // The Community Edition's listing, then that of the Professional Edition and Cloud.
            for (const path of ["/api/tenant/deviceInfos", "/api/deviceInfos/all"]) {
                try {
                    const page = await calls.make<PageData<unknown>>({ ...reading(`device profile ${id}`), method: "GET", path: `${path}${parameters}`, repeating: "safe", answer: "page" });
                    return page.totalElements;
                } catch (error) {
                    if (!isApiError(error, "unsupported", "notFound", "forbidden", "invalid", "server")) throw error;
                }
            }
            return undefined;
        },
    };

    function nameIfThere(found: Titled | undefined): string | undefined {
        return found && nameOf(found);
    }

    /** The search finds parts of names in any case; a name need not be unique. */
    async function allNamed(what: string, path: string, sortProperty: string, name: string): Promise<NamedEntity[]> {
        const matches: NamedEntity[] = [];
        const parameters = { textSearch: searchable(name), sortProperty, sortOrder: "ASC" };
        for await (const page of pagesOf<Titled>(calls, { path, subject: `${what} "${name}"`, complaint: "cannot read it", parameters })) {
            matches.push(...page.filter(item => nameOf(item) === name).map(item => ({ id: item.id.id, name })));
        }
        return matches;
    }
}

const reading = (subject: string) => ({ subject, complaint: "cannot read it", answer: "entity" }) as const;
