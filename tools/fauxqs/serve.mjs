// An SQS server for tests, on 127.0.0.1 only (the package's own start listens
// on every address). Port from the command line; 0 lets the system choose. The
// address is printed when it takes requests; it ends with its standard input.
import { buildApp } from "fauxqs";
import { INVALID_MESSAGE_BODY_CHAR } from "./node_modules/fauxqs/dist/sqs/sqsTypes.js";

// Amazon allows #x10000 to #x10FFFF (API reference, SendMessage); this server
// would refuse every message with an emoji.
INVALID_MESSAGE_BODY_CHAR.compile("[^\\x09\\x0A\\x0D\\x20-\\uD7FF\\uE000-\\uFFFD\\u{10000}-\\u{10FFFF}]", "u");

const app = buildApp({ logger: false });
const address = await app.listen({ port: Number(process.argv[2] ?? 0), host: "127.0.0.1" });
console.log(address);
process.stdin.on("end", () => process.exit(0)).resume();
