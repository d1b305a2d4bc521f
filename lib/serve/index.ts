/** The shop for any other program: many sessions over one catalogue, by lines of JSON or by HTTP. */
export { SessionStore, type StoreOptions } from "./sessions.js";
export { answer, answerLine, OPERATIONS, type Operation } from "./protocol.js";
export { serveLines, type LineOptions } from "./lines.js";
export { httpServer, type HttpOptions } from "./http.js";
