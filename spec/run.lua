-- Runs specs with busted, from the checkout:
-- lua5.4 spec/run.lua [busted's options] [files and folders];
-- without any, all *_spec.lua below spec/. `make test` sets the module paths and calls this.
table.insert(arg, 1, "--ignore-lua") -- .busted's choice is made: this is it
require "busted.runner" { standalone = false, output = "spec/support/report.lua" }
