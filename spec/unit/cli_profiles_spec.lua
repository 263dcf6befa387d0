-- The config file of topaz-status: where it is on each system, and what is read in it.
local profiles = require "topaz.cli.profiles"

local function getenv_of(variables) return function(name) return variables[name] end end

describe("the config file", function()
   it("is where the system keeps such files", function()
      for _, case in ipairs {
         { { HOME = "/home/me" }, "/home/me/.config/topaz/config" },
         { { HOME = "/home/me", XDG_CONFIG_HOME = "/x" }, "/x/topaz/config" },
         { { HOME = "/home/me", XDG_CONFIG_HOME = "" }, "/home/me/.config/topaz/config" },
         { { HOME = "/home/me", TOPAZ_CONFIG_FILE = "/c" }, "/c" }, { {}, nil }, { { HOME = "" }, nil },
         { { HOME = "/home/me", APPDATA = "C:\\A" }, "C:\\A\\topaz\\config", true },
         { { HOME = "/home/me" }, nil, true },
         { { TOPAZ_CONFIG_FILE = "D:\\c", APPDATA = "C:\\A" }, "D:\\c", true },
      } do
         assert.equal(case[2], profiles.path(getenv_of(case[1]), case[3]))
      end
   end)

   it("is read as editors of each system write it", function()
      for _, ending in ipairs { "\n", "\r\n" } do
         local text = table.concat({ "\u{FEFF}# c", "[default]", " timeout = 5s ", "", "[ profile  two ]",
            "api_key=a=b ; c",
            "header = A: 1", "header = B: 2", "[default]", "max_rate = 3" }, ending)
         local all, secret = profiles.read(text, "path")
         assert.same({ default = { timeout = "5s", max_rate = "3" },
            two = { api_key = "a=b ; c", header = { "A: 1", "B: 2" } } }, all)
         assert.is_true(secret)
      end
      local all, secret = profiles.read("[a]\nbase_url = x", "path")
      assert.same({ a = { base_url = "x" } }, all)
      assert.is_false(secret)
      assert.same({}, (profiles.read("", "path")))
   end)
end)
