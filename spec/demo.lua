-- The demo: a tour of the command line on the emulator of the API, in less than half a minute and without a key.
-- Run it with `make demo`. The same as `topaz-status --demo`, out of the checkout.
package.path = "./lua/?.lua;./lua/?/init.lua;./?.lua;./?/init.lua;" .. package.path

os.exit(require("topaz.cli.main").run({ "--demo", ... }, { emulators = require "spec.emulator" }), true)
