// The streams of the runtime, in place of the copy that dockerode would bring (docs/decisions/0023).

module.exports = require("node:stream");
