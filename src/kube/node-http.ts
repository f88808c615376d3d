// Node's HTTP module without its import: an `import` of node:http reads every export, among them a lazy WebSocket that
// loads a second HTTP client and costs each process 8 MB.

export const http = process.getBuiltinModule('node:http');
