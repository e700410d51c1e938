// Whether an answer has the shape that was asked for: what else answers with JSON is not ThingsBoard.

export type AnswerShape =
    /** An object with an id. */
    | "entity"
    | "entities"
    /** A page of entities. */
    | "page"
    /** Objects with key, value and time. */
    | "attributes"
    /** By key, a list of values. */
    | "telemetry"
    | "object"
    | "text"
    | "nothing";

export function hasShape(answer: unknown, shape: AnswerShape): boolean {
    switch (shape) {
        case "entity":
            return isObject(answer) && isObject(answer.id) && typeof answer.id.id === "string";
        case "entities":
            return Array.isArray(answer) && answer.every(item => hasShape(item, "entity"));
        case "page":
            return isObject(answer) && hasShape(answer.data, "entities");
        case "attributes":
            return Array.isArray(answer) && answer.every(item => isObject(item) && typeof item.key === "string");
        case "telemetry":
            return isObject(answer) && Object.values(answer).every(list => Array.isArray(list) && list.every(isObject));
        case "object":
            return isObject(answer);
        case "text":
            return typeof answer === "string" && answer !== "";
        case "nothing":
            return true;
    }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
