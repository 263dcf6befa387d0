-- Ctrl-C where an error is looked at: while a module is loaded, and while it is said how to go on.
local load = require "topaz.load"
local main = require "topaz.cli.main"

local NOWHERE = "http://127.0.0.1:1" -- nothing listens there

describe("Ctrl-C", function()
   it("goes through what says which module is missing, as it is", function()
      local object = setmetatable({}, { __tostring = function() return "mine" end })
      for _, value in ipairs { "lua5.4: interrupted!", object } do
         package.preload["topaz.none"] = function() error(value, 0) end
         local ok, err = pcall(load, "topaz.none")
         package.preload["topaz.none"] = nil
         assert.is_false(ok)
         assert.equal(value, err)
      end
      assert.has_error(function() load "topaz.none" end)
   end)

   it("is not lost where it is said how to go on", function()
      local stderr, written = io.stderr, {}
      io.stderr = { -- luacheck: ignore 122
         write = function(_, ...) table.move({ ... }, 1, select("#", ...), #written + 1, written) end,
         flush = function() end,
      }
      local ok, err = pcall(main.run, { "summary", "--base-url", NOWHERE, "--timeout", "0.1s" }, {
         getenv = function(name) return name == "TOPAZ_API_KEY" and "key" or nil end,
         resume = function() error("lua5.4: interrupted!", 0) end,
      })
      io.stderr = stderr -- luacheck: ignore 122
      assert.same({ false, "lua5.4: interrupted!" }, { ok, err }, table.concat(written))
      assert.matches("^topaz%-status: [^\n]*127.0.0.1[^\n]*\n$", table.concat(written))
   end)
end)
