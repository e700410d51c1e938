// Whether an answer has the shape that was asked for: what else answers with JSON is not ThingsBoard. What is read of an
// answer is looked at here, so that nobody stumbles over it later, when half of the work is done.

export type AnswerShape =
    | "device"
    | "devices"
    | "credentials"
    | "profile"
    /** An object with an id, and perhaps with a name. */
    | "entity"
    /** A page of entities. */
    | "page"
    /** Objects with key, value and time. */
    | "attributes"
    /** By key, a list of values with their times. */
    | "telemetry"
    | "object"
    | "text"
    | "nothing";

export function hasShape(answer: unknown, shape: AnswerShape): boolean {
    switch (shape) {
        case "device":
            return isEntity(answer) && isText(answer.name) && isMapOrNull(answer.additionalInfo) && [answer.deviceProfileId, answer.customerId].every(isReferenceOrNull);
        case "devices":
            return Array.isArray(answer) && answer.every(item => hasShape(item, "device"));
        case "credentials":
            return isEntity(answer) && isReference(answer.deviceId) && credentialsTypes.has(answer.credentialsType) && isText(answer.credentialsId) && isTextOrNull(answer.credentialsValue);
        case "profile":
            return isEntity(answer) && isText(answer.name) && isObject(answer.profileData) && isObject(answer.profileData.transportConfiguration) && isObject(answer.profileData.provisionConfiguration);
        case "entity":
            return isEntity(answer);
        case "page":
            return isObject(answer) && Array.isArray(answer.data) && answer.data.every(isEntity);
        case "attributes":
            return Array.isArray(answer) && answer.every(item => isObject(item) && isText(item.key));
        case "telemetry":
            return isObject(answer) && Object.values(answer).every(list => Array.isArray(list) && list.every(item => isObject(item) && isTime(item.ts)));
        case "object":
            return isObject(answer);
        case "text":
            return isText(answer) && answer !== "";
        case "nothing":
            return true;
    }
}

const credentialsTypes: ReadonlySet<unknown> = new Set(["ACCESS_TOKEN", "X509_CERTIFICATE", "MQTT_BASIC", "LWM2M_CREDENTIALS"]);

type Fields = Readonly<Record<string, unknown>>;

/** With the fields that more than one kind of entity has. */
function isEntity(value: unknown): value is Fields {
    return isObject(value) && isReference(value.id) && [value.name, value.title, value.label, value.type, value.description].every(isTextOrNull) && (value.version === undefined || value.version === null || Number.isInteger(value.version));
}

const isReference = (value: unknown): value is Fields => isObject(value) && isText(value.id);
const isReferenceOrNull = (value: unknown): boolean => isNothing(value) || isReference(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isTextOrNull = (value: unknown): boolean => isNothing(value) || isText(value);
const isMapOrNull = (value: unknown): boolean => isNothing(value) || isObject(value);
const isNothing = (value: unknown): boolean => value === undefined || value === null;

/** Within what a Date can hold. */
const isTime = (value: unknown): boolean => typeof value === "number" && Math.abs(value) <= 8.64e15;

function isObject(value: unknown): value is Fields {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
