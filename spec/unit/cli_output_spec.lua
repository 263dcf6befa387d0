-- topaz.cli.output: Ctrl-C that comes while something is being written, right before that or right
-- behind it. What counts the texts that were written must count neither too many nor too few.
local interrupted = require "spec.support.interrupted"
local output = require "topaz.cli.output"

describe("topaz.cli.output", function()
   local stdout, written
   local caller = coroutine.running()

   before_each(function()
      stdout, written = io.stdout, {}
      io.stdout = { -- luacheck: ignore 122
         write = function(_, ...)
            written[#written + 1] = table.concat { ... }
            return true
         end,
      }
   end)
   after_each(function()
      io.stdout = stdout -- luacheck: ignore 122
   end)

   it("raises Ctrl-C that comes during a write when that is done and noted", function()
      local write, noted = io.stdout.write, 0
      io.stdout.write = function(...) -- luacheck: ignore 122
         -- As the interpreter's handler of the signal: with the next event of the main thread.
         debug.sethook(caller, function()
            debug.sethook(caller)
            error("interrupted!", 0)
         end, "crl", 1)
         return write(...)
      end
      local ok, err = pcall(output.write_noting, function() noted = noted + 1 end, "a", "b")
      assert.same({ false, "interrupted!" }, { ok, err })
      assert.same({ "ab" }, written)
      assert.equal(1, noted)
   end)

   it("notes what was written and nothing else, wherever Ctrl-C comes", function()
      local point, fired = 0, true
      while fired do
         local noted = 0
         point, written = point + 1, {}
         local came, ok, err = interrupted(point, function()
            for i = 1, 3 do output.write_noting(function() noted = noted + 1 end, "text ", i) end
         end)
         fired = came
         if fired then assert.same({ false, "interrupted!" }, { ok, err }, point) end
         assert.equal(#written, noted, point)
      end
      assert.equal(3, #written)
   end)

   it("raises any other error at once", function()
      io.stdout = { write = function() error("mine", 0) end } -- luacheck: ignore 122
      assert.has_error(function() output.write "a" end, "mine")
   end)

   -- What a writer has written when it was stopped early at that point.
   local function stopped(point, args)
      local shell = { args = args, is_tty = false, is_terminal = false, paint = function(_, text) return text end }
      local count = 0
      written = {}
      local writer = output.writer(shell, { noted = function() count = count + 1 end })
      local fired = interrupted(point, function()
         for i = 1, 3 do writer.add { process_id = "id-" .. i, status = "Failed" } end
         writer.finish()
      end)
      writer.stop()
      return fired, table.concat(written), count
   end

   for form, pattern in pairs { json = "id%-", csv = "id%-", table = "id%-", jsonl = "id%-" } do
      it("stops with whole " .. form .. ", wherever Ctrl-C comes, of as many as were noted", function()
         local point, fired, count = 0, true, 0
         while fired do
            local text
            point = point + 1
            fired, text, count = stopped(point, { output = form, fields = { "process_id", "status" } })
            local shown = select(2, text:gsub(pattern, ""))
            -- A status that the table holds back may be written without having been noted.
            assert(shown == count or form == "table" and shown == count + 1, ("%d: %s"):format(point, text))
            if form == "json" and text ~= "" then
               assert.matches("^%[\n.*\n%]\n$", text)
               assert.equal(count, #require "cjson".decode(text))
            elseif form ~= "json" then
               assert.matches("^[^\n]*\n?", text)
               assert.is_true(text == "" or text:sub(-1) == "\n", point)
            end
         end
         assert.equal(3, count)
         assert(point > 10)
      end)
   end
end)
