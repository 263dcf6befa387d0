-- What topaz-status writes when servers, arguments and the environment have characters in their
-- texts that steer a terminal or are not seen: each writer, each kind of them, each stream.
local cjson = require "cjson"
local hidden = require "spec.support.hidden"
local screens = require "spec.support.screen"
local program = require "spec.support.program"
local set_up = require "spec.support.cli"

local ID = "6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b"

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local raw, written = hidden.all(1, #hidden.KINDS)
   local parts = {} -- short enough to be quoted whole
   for i = 1, #hidden.KINDS, 5 do parts[#parts + 1] = hidden.all(i, i + 4) end

   -- Every text member of the status is `text`.
   local function status(text, word)
      return { process_id = ID, status = word or "Completed", filename = text, model = text, source_id = text,
         options_json = text, [text] = text, deep = { [text] = { text } }, progress = 100, creation_time = 1760000000,
         modification_time = 1760000100, credits = 1 }
   end

   local function answer(kind, body)
      cli.emulator:fault { match = { kind = kind }, status = 200, body = cjson.encode(body), times = math.huge,
         headers = { ["Content-Type"] = "application/json" } }
   end

   local function answers(text, word)
      answer("list", { data = { status(text, word) }, pagination = { has_next_page = false } })
      answer("one", status(text, word))
   end

   local function check(result, kind)
      assert.is_nil(hidden.find(result.out), kind .. ": " .. result.out)
      assert.is_nil(hidden.find(result.err), kind .. ": " .. result.err)
   end

   -- Commands that write members of statuses. `word`: they get an unknown word as the status;
   -- `shows`: they write the whole text.
   local WRITERS = {
      { "list", "--fields", "filename,model,options_json", shows = true }, { "list", word = true, shows = true },
      { "list", "--json" }, { "list", "--jsonl", word = true },
      { "get", ID, shows = true }, { "get", ID, word = true, shows = true }, { "get", "--json", ID },
      { "wait", ID, shows = true }, { "wait", "--timeout", "1", ID, word = true, shows = true },
      { "wait", "--jsonl", ID },
      { "watch", "--until-done" }, { "watch", "--until-done", ID, shows = true },
      { "watch", "--timeout", "1", word = true },
      { "summary", word = true }, { "summary", "--json", word = true },
   }

   it("writes out in a pipe what members have of them", function()
      for _, case in ipairs(WRITERS) do
         cli.emulator:reset()
         answers(raw, case.word and "Word" .. raw)
         local result, name = cli.run(case), table.concat(case, " ")
         check(result, name)
         if case.shows then
            assert.is_truthy(result.out:find(written, 1, true), name .. ": " .. result.out .. result.err)
         end
      end
   end)

   it("keeps in JSON and CSV every text as it is", function()
      answers(raw)
      assert.equal(raw, cjson.decode(cli.fine { "list", "--json" })[1].filename)
      assert.equal(raw, cjson.decode(cli.fine { "list", "--jsonl" }).deep[raw][1])
      assert.equal(raw, cjson.decode(cli.fine { "get", "--jsonl", ID }).options_json)
      assert.equal("filename\r\n\"" .. raw .. "\"\r\n", cli.fine { "list", "--csv", "--fields", "filename" })
   end)

   describe("tells without them of errors of", function()
      it("the server, in its words", function()
         for _, case in ipairs {
            { "one", "get", ID }, { "list", "list" }, { "list", "summary" }, { "list", "watch" }, { "one", "wait", ID },
            { "delete_one", "delete", ID }, { "delete_all", "delete-all", "--yes" }, { "list", "delete-finished" },
            { "list", "wait", "--all" },
         } do
            local kind, arguments = case[1], { table.unpack(case, 2) }
            for _, text in ipairs(parts) do
               cli.emulator:fault { match = { kind = kind }, status = 403, times = math.huge,
                  body = cjson.encode { message = "no: " .. text, code = text } }
               local result = cli.run(arguments)
               assert.equal(4, result.code)
               assert.matches("no: ", result.err)
               check(result, case[2])
               cli.emulator:clear_faults()
            end
         end
      end)

      it("answers that are not what they should be", function()
         for _, text in ipairs(parts) do
            for _, body in ipairs { text .. "nonsense", cjson.encode { process_id = text, status = text },
               cjson.encode { { process_id = 1, status = text } }, "<p>" .. text } do
               cli.emulator:fault { status = 200, times = math.huge, body = body }
               for _, arguments in ipairs { { "get", ID }, { "list" } } do check(cli.run(arguments), arguments[1]) end
               cli.emulator:clear_faults()
            end
         end
      end)

      it("requests, whose ids need not be ASCII", function()
         cli.emulator:fault { status = 403, times = 1, body = '{"message":"no"}',
            headers = { ["X-Request-Id"] = "a\u{202E}b\u{9B}c" } }
         local result = cli.run { "get", ID }
         assert.equal(4, result.code)
         check(result, "request id")
      end)

      it("the command line, quoting it", function()
         for _, text in ipairs { raw, hidden.BYTES[2] } do
            local x = "x" .. text
            for _, arguments in ipairs {
               { x }, { "list", "--" .. x }, { "list", x }, { "get", x }, { "delete", x }, { "wait", x },
               { "watch", x },
               { "list", "--newer-than", x }, { "list", "--where", x }, { "list", "--limit", x },
               { "list", "--resume", x },
               { "list", "--base-url", x }, { "list", "--base-url", "http://127.0.0.1:1/" .. x },
               { "list", "--api-key-file", x }, { "list", "--max-rate", x },
               { "get", "--fields", x, ID }, { "delete-finished", "--status", x }, { "wait", "--resume", x },
               { "completion", x },
            } do
               local result = cli.run(arguments)
               assert.is_true(result.code ~= 0, table.concat(arguments, " "))
               check(result, table.concat(arguments, " "))
            end
         end
      end)

      it("the environment and the input, quoting them", function()
         for _, text in ipairs { raw:gsub("[\n\r]", ""), hidden.BYTES[2] } do
            for _, name in ipairs { "TOPAZ_BASE_URL", "TOPAZ_TIMEOUT", "TOPAZ_MAX_RATE", "TOPAZ_CA_FILE" } do
               check(cli.run({ "list" }, { variables = { [name] = "x" .. text } }), name)
            end
            check(cli.run({ "list" }, { variables = { TOPAZ_API_KEY = false, TOPAZ_API_KEY_FILE = text } }), "key file")
            check(cli.run({ "get", "-" }, { input = "x" .. text .. "\n" }), "input")
         end
      end)

      it("an interruption, which repeats the command line", function()
         cli.emulator:fault { match = { kind = "list" }, status = 403, times = math.huge, after = 1,
            body = '{"message":"no"}' }
         answer("list", { data = { status(raw) }, pagination = { has_next_page = true, next_cursor = "c" } })
         local result = cli.run { "list", "--model", raw, "--model", "A" }
         assert.matches("to resume: ", result.err)
         check(result, "to resume")
      end)
   end)

   it("writes none of them to a terminal", function()
      if not screens.available() then return pending "there is no tmux: apt install tmux" end
      for _, arguments in ipairs {
         { "list" }, { "list", "--json" }, { "list", "--csv" }, { "get", ID }, { "wait", ID }, { "summary" },
         { "watch", "--until-done" },
      } do
         cli.emulator:reset()
         answers(raw)
         local screen <close> = screens.open(program.command(arguments),
            { width = 200, height = 50, variables = program.variables(cli.emulator) })
         screen:wait_for "ended with 0"
         local bytes = screen:raw():gsub("\27%[[?%d;]*%a", "") -- colours and places are its own
         assert.is_nil(hidden.find(bytes), bytes)
      end
      assert.is_truthy(written:find("\\u{202E}", 1, true))
   end)
end)
