// Customers, as far as devices are assigned to them.
import type { Customer, User } from "../platform/entities";
import { assignDevice } from "../platform/assignment";
import { getDevice } from "../platform/devices";
import { badRequest, changedBySomeoneElse, forbidden, itemNotFound, notFound } from "../platform/errors";
import { newId, NULL_ID, pathId, type Uuid } from "../platform/ids";
import { entityId, integer, string, type JsonObject } from "../platform/json";
import { pageOf } from "../platform/pages";
import { isCommunity, since, type Platform } from "../platform/platform";
import { inTenant } from "../platform/store";
import { checkFields, checkName } from "../platform/validation";
import type { Routes } from "./app";
import { requireTenantAdmin, requireTenantUser } from "./auth";
import { list } from "./devices";
import { empty, json, jsonBody, pageLink, param, requiredQuery } from "./http";
import { customerJson, deviceInfoJson, deviceJson, pageJson } from "./shapes";

const DETAILS = ["country", "state", "city", "address", "address2", "zip", "phone", "email"] as const;

export function customerRoutes({ route }: Routes, platform: Platform): void {
    const { store } = platform;

    route("POST", "/api/customer", (x) => {
        const body = jsonBody(x, "org.thingsboard.server.common.data.Customer");
        return json(customerJson(platform, save(platform, requireTenantAdmin(x.caller).tenantId, body)));
    });
    route("GET", "/api/customer/:id", (x) => {
        const user = requireTenantUser(x.caller);
        const customer = getCustomer(platform, user.tenantId, pathId(param(x, "id")));
        if (user.authority === "CUSTOMER_USER" && user.customerId !== customer.id) throw forbidden();
        return json(customerJson(platform, customer));
    });
    route("DELETE", "/api/customer/:id", (x) => {
        const customer = getCustomer(platform, requireTenantAdmin(x.caller).tenantId, pathId(param(x, "id")));
        for (const device of [...store.devices.values()]) if (device.customerId === customer.id) assignDevice(platform, device, NULL_ID);
        for (const user of [...store.users.values()]) if (user.customerId === customer.id) store.users.remove(user.id);
        store.customers.remove(customer.id);
        return empty();
    });
    route("GET", "/api/tenant/customers", (x) => {
        const customer = store.customers.find("title", inTenant(requireTenantAdmin(x.caller), requiredQuery(x, "customerTitle")));
        if (!customer) throw itemNotFound();
        return json(customerJson(platform, customer));
    });
    route("GET", "/api/customers", (x) => {
        const { tenantId } = requireTenantAdmin(x.caller);
        const page = pageOf(store.customers, pageLink(x), {
            filter: (customer) => customer.tenantId === tenantId,
            searched: (customer) => [customer.title],
            sorts: { createdTime: (customer) => customer.createdTime, title: (customer) => customer.title, name: (customer) => customer.title },
        });
        return json(pageJson(page, (customer) => customerJson(platform, customer)));
    });

    // the Professional Edition changes owners instead
    if (!isCommunity(platform)) return;
    route("POST", "/api/customer/:customerId/device/:deviceId", (x) => {
        const { tenantId } = requireTenantAdmin(x.caller);
        const customer = getCustomer(platform, tenantId, pathId(param(x, "customerId")));
        const device = getDevice(platform, tenantId, pathId(param(x, "deviceId")));
        return json(deviceJson(platform, assignDevice(platform, device, customer.id)));
    });
    route("DELETE", "/api/customer/device/:deviceId", (x) => {
        const { tenantId } = requireTenantAdmin(x.caller);
        const device = getDevice(platform, tenantId, pathId(param(x, "deviceId")));
        if (device.customerId === NULL_ID) throw badRequest("Device isn't assigned to any customer!");
        return json(deviceJson(platform, assignDevice(platform, device, NULL_ID)));
    });
    for (const [path, print] of [["devices", deviceJson], ["deviceInfos", deviceInfoJson]] as const) {
        route("GET", `/api/customer/:id/${path}`, (x) => {
            const user = requireTenantUser(x.caller);
            const customer = getCustomer(platform, user.tenantId, pathId(param(x, "id")));
            if (user.authority === "CUSTOMER_USER" && user.customerId !== customer.id) throw forbidden();
            return json(pageJson(list(x, pageLink(x), customer.id), (device) => print(platform, device)));
        });
    }
}

export function getCustomer(platform: Platform, tenantId: User["tenantId"], id: Uuid): Customer {
    const customer = platform.store.customers.get(id);
    if (!customer || customer.tenantId !== tenantId) throw notFound(`Customer with id [${id}] is not found`);
    return customer;
}

function save(platform: Platform, tenantId: Uuid, body: JsonObject): Customer {
    const id = entityId(body["id"], "CustomerId");
    const old = id ? getCustomer(platform, tenantId, id) : undefined;
    const [title, version] = [string(body["title"]), integer(body["version"])];
    checkFields({ title });
    checkName("Customer title", title);
    if (old && since(platform, "3.8") && version !== null && version !== old.version) throw changedBySomeoneElse("Customer");
    const namesake = platform.store.customers.find("title", inTenant({ tenantId }, title));
    if (namesake && namesake.id !== old?.id) throw badRequest("Customer with such title already exists!");
    const customer: Customer = {
        id: old?.id ?? newId(),
        createdTime: old?.createdTime ?? platform.now(),
        tenantId,
        title,
        version: old ? old.version + 1 : 1,
        details: Object.fromEntries(DETAILS.map((key) => [key, body[key] ?? null])),
        additionalInfo: body["additionalInfo"] ?? null,
    };
    platform.store.customers.put(customer);
    return customer;
}
