-- Where topaz-status takes its settings from: flags in front of the command and behind it, the
-- environment, profiles of the config file, the standard input; and headers of the user's own.
local process = require "topaz.emulator.process"
local program = require "spec.support.program"
local set_up = require "spec.support.cli"

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local run, fine, fails = cli.run, cli.fine, cli.fails
   local emulator, folder, id

   before_each(function()
      emulator = cli.emulator
      id = emulator:add_jobs(1)[1]
      folder = os.tmpname()
      os.remove(folder)
      assert(os.execute("mkdir -p " .. folder .. "/topaz"))
   end)
   after_each(function() os.execute("rm -rf " .. folder) end)

   local function write(path, text, mode)
      local file = assert(io.open(path, "w"))
      file:write(text)
      file:close()
      assert(os.execute(("chmod %s %s"):format(mode or "600", path)))
      return path
   end

   -- Writes the config file, and gives the environment that names it, without the usual variables.
   local function config(text, mode)
      write(folder .. "/topaz/config", text, mode)
      return { XDG_CONFIG_HOME = folder, TOPAZ_API_KEY = false, TOPAZ_BASE_URL = false }
   end

   local function with(variables, more)
      for name, value in pairs(more) do variables[name] = value end
      return variables
   end

   describe("in front of the command", function()
      it("takes what every command has", function()
         local usual = fine { "list" }
         for _, arguments in ipairs {
            { "--no-color", "list" }, { "--base-url", emulator.url, "list" }, { "--base-url=" .. emulator.url, "list" },
            { "--quiet", "list" }, { "--max-rate", "100", "--no-color", "list", "--limit", "5" },
            { "--header", "X-A: b", "list", "--no-color" },
         } do
            assert.equal(usual, fine(arguments), table.concat(arguments, " "))
         end
      end)

      it("takes them as they are behind it", function()
         assert.matches("%-%-base%-url: http://", (fails(2, { "--base-url", "http://api.example", "list" })))
         for _, arguments in ipairs { { "--base-url", "x", "emulator" }, { "emulator", "--base-url=x" } } do
            assert.matches("unknown option '%-%-base%-url'; see `topaz%-status help emulator", (fails(2, arguments)))
         end
         assert.matches("unknown option '%-%-quiet'", (fails(2, { "--quiet", "emulator", "--jobs", "0" })))
         fine { "--header", "X-A: 1", "list", "--header", "X-B: 2" }
         local headers = emulator:requests()[1].headers
         assert.same({ "1", "2" }, { headers["x-a"], headers["x-b"] })
      end)

      it("takes no others", function()
         assert.matches("%-%-limit is an option of a command", (fails(2, { "--limit", "5", "list" })))
         assert.matches("%-%-base%-url needs a value", (fails(2, { "--base-url" })))
         assert.matches("no command", (fails(2, { "--no-color" })))
         assert.matches("exclude each other", (fails(2, { "--quiet", "list", "--verbose" })))
      end)

      it("takes help of a command", function()
         assert.equal(fine { "list", "--help" }, fine { "help", "list" })
         assert.equal(fine { "--help" }, fine { "help" })
      end)
   end)

   describe("completes", function()
      local COMMON = { "--profile", "--header", "--verbose", "--quiet", "--api-key-file" }

      it("in bash, also behind options in front of the command", function()
         if not os.execute "command -v bash >/dev/null" then return pending "there is no bash" end
         write(folder .. "/completion", fine { "completion", "bash" })
         local function offers(...)
            local words = { "topaz-status", ... }
            for i, word in ipairs(words) do words[i] = process.quote(word) end
            local script = write(folder .. "/script", (". %s/completion; COMP_WORDS=(%s); COMP_CWORD=%d\n"
               .. '_topaz-status; printf "%%s\\n" "${COMPREPLY[@]}" | sort -u\n'):format(folder,
               table.concat(words, " "), #words - 1))
            local pipe <close> = io.popen("bash " .. script)
            return (pipe:read "a":gsub("%s+", " "):gsub(" $", ""))
         end
         assert.equal("--profile", offers("list", "--pr"))
         assert.equal("--profile", offers "--pr")
         assert.equal("list", offers("--base-url", "http://x", "--header", "A: b", "li"))
         assert.equal("help", offers("--quiet", "he"))
         for _, name in ipairs(COMMON) do
            assert.equal(name, offers("get", name))
            assert.equal(name, offers(name))
         end
      end)

      it("in zsh and fish, with and without a command", function()
         for shell, form in pairs { zsh = "%s", fish = "-l %s " } do
            local script = fine { "completion", shell }
            for _, name in ipairs(COMMON) do
               local long, count, at = form:format(shell == "fish" and name:sub(3) or name), 0, 0
               repeat
                  at = script:find(long, at + 1, true)
                  count = count + (at and 1 or 0)
               until not at
               -- once for each command, and once in front
               assert.is_true(count >= 9, ("%s %s: %d"):format(shell, name, count))
            end
         end
      end)
   end)

   it("has a man page with every command and option", function()
      local page, help = fine { "manual" }, fine { "--help" }
      for name in help:match("\nCommands:(\n.-)\n\n"):gmatch "\n   ([%l-]+) " do
         assert.truthy(page:find("\n.SS " .. name:gsub("%-", "\\-") .. "\n", 1, true), name)
         for option in fine({ "help", name }):gmatch "\n   [^\n]*(%-%-[%l-]+)" do
            assert.truthy(page:find(option:gsub("%-", "\\-"), 1, true), option)
         end
      end
      for _, section in ipairs { "NAME", "SYNOPSIS", "OPTIONS", "COMMANDS", "ENVIRONMENT", "FILES", "EXIT STATUS" } do
         assert.truthy(page:find("\n.SH " .. section .. "\n", 1, true), section)
      end
      assert.truthy(page:find("\n.B TOPAZ_PROFILE\n", 1, true))
      if not os.execute "command -v man >/dev/null" then return pending "there is no man" end
      local path = write(folder .. "/topaz-status.1", page)
      local pipe <close> = io.popen(("LC_ALL=C man --warnings -l %s 2>&1 >/dev/null"):format(path))
      assert.equal("", pipe:read "a")
   end)

   describe("with a profile", function()
      it("takes the default one, the one of the variable, the one of the flag", function()
         local variables = config(([[
            # comment
            [default]
            api_key = %s
            base_url = %s
            header = X-Profile: default
            [profile work]
            api_key=%s
            base_url =%s
            ; another comment
            header = X-Profile: work
            header = X-More: a = b
         ]]):format(emulator.key, emulator.url, emulator.key, emulator.url))
         fine({ "list" }, { variables = variables })
         fine({ "list" }, { variables = with(variables, { TOPAZ_PROFILE = "work" }) })
         fine({ "list", "--profile", "default" }, { variables = variables })
         fine({ "--profile", "work", "list" }, { variables = with(variables, { TOPAZ_PROFILE = false }) })
         local met = {}
         for i, request in ipairs(emulator:requests()) do
            met[i] = request.headers["x-profile"] .. (request.headers["x-more"] or "")
         end
         assert.same({ "default", "worka = b", "default", "worka = b" }, met)
      end)

      it("lets the environment and flags go before it", function()
         local text = ("[default]\napi_key = wrong\nbase_url = http://127.0.0.1:1/v1\nheader = X-A: file\n")
         local variables = with(config(text), { TOPAZ_API_KEY = emulator.key, TOPAZ_BASE_URL = emulator.url })
         fine({ "list", "--header", "x-a: flag" }, { variables = variables })
         assert.equal("flag", emulator:requests()[1].headers["x-a"])
         variables.TOPAZ_API_KEY, variables.TOPAZ_BASE_URL = false, false
         local path = write(folder .. "/key", emulator.key)
         fine({ "list", "--api-key-file", path, "--base-url", emulator.url }, { variables = variables })
      end)

      it("takes files and numbers of it", function()
         write(folder .. "/key", emulator.key .. "\n")
         local text = ("[default]\napi_key_file = ~/key\nbase_url = %s\ntimeout = 1m\nmax_rate = 50\n"
            .. "allow_insecure = false\n"):format(emulator.url)
         fine({ "list" }, { variables = with(config(text, "644"), { HOME = folder }) })
         local bad = { timeout = "soon", max_rate = "0", allow_insecure = "yes", header = "no colon" }
         for name, value in pairs(bad) do
            local variables = config(("[default]\napi_key = k\n%s = %s\n"):format(name, value))
            assert.matches(name .. " in the config file: ", (fails(2, { "list" }, { variables = variables })))
         end
      end)

      it("is found in $HOME, and is not needed", function()
         assert(os.execute("mkdir -p " .. folder .. "/.config/topaz"))
         write(folder .. "/.config/topaz/config",
            ("[default]\napi_key = %s\nbase_url = %s\n"):format(emulator.key, emulator.url))
         local variables = { XDG_CONFIG_HOME = "", HOME = folder, TOPAZ_API_KEY = false, TOPAZ_BASE_URL = false }
         fine({ "list" }, { variables = variables })
         fine({ "list" }, { variables = { HOME = "", XDG_CONFIG_HOME = "" } })
         os.rename(folder .. "/.config/topaz/config", folder .. "/other")
         fine({ "list" }, { variables = with(variables, { HOME = "", TOPAZ_CONFIG_FILE = folder .. "/other" }) })
      end)

      it("that is not there is a mistake", function()
         local variables = config "[one]\n[two]\n"
         local err = fails(2, { "list", "--profile", "three" }, { variables = variables })
         assert.matches("has no profile 'three'; it has: one, two", err)
         assert.matches("no profile 'x': no file", (fails(2, { "list", "--profile", "x" })))
         assert.matches("no API key", (fails(2, { "list" }, { variables = variables })))
      end)

      it("that is there and cannot be opened is a mistake", function()
         if package.config:sub(1, 1) == "\\" then return pending "Windows has no such links" end
         assert(os.execute(("ln -s loop %s/loop"):format(folder)))
         for _, arguments in ipairs { { "list" }, { "list", "--profile", "work" } } do
            local err = fails(2, arguments, { variables = { TOPAZ_CONFIG_FILE = folder .. "/loop" } })
            assert.matches("cannot read the config file /[^\n]*/loop: ", err)
         end
         fine({ "list" }, { variables = { TOPAZ_CONFIG_FILE = folder .. "/topaz/none" } })
         fine({ "list" }, { variables = { TOPAZ_CONFIG_FILE = write(folder .. "/file", "") .. "/config" } })
      end)

      it("is named where a header of it is wrong", function()
         local variables = config("[default]\nheader = X-A: a\1b\n")
         variables.TOPAZ_API_KEY = nil
         assert.matches("header in the config file: the value of 'X%-A' has a control byte",
            (fails(2, { "list" }, { variables = variables })))
      end)

      it("needs mode 600 where it has a key or a header", function()
         for _, line in ipairs { "api_key = " .. emulator.key, "header = A: secret-of-the-file" } do
            for _, mode in ipairs { "644", "640", "604", "660" } do
               local variables = config("[default]\n" .. line .. "\n", mode)
               local err = fails(2, { "list" }, { variables = variables })
               assert.matches("others may read or write it.*chmod 600", err)
               assert.is_nil(err:find("secret", 1, true))
            end
         end
         fails(2, { "list", "--profile", "other" }, { variables = config("[a]\napi_key = k\n[other]\n", "644") })
      end)

      it("whose file is broken is a mistake that names the line and does not show it", function()
         for _, case in ipairs {
            { "[default]\napi_kye = sesame\n", "line 2: 'api_kye' is not a member of a profile" },
            { "[default]\nsesame\n", "line 2: expected %[NAME%] or name = value" },
            { "api_key = sesame\n", "line 1: a value before the first" },
            { "[default]\napi_key = sesame\napi_key = sesame\n", "line 3: 'api_key' is given twice" },
            { "[default]\napi_key =\n", "line 2: 'api_key' has no value" },
            { "[]\n", "line 1: a profile without a name" },
            { "[default\n", "line 1: expected" }, { "\27[2J = sesame\n", "line 1: expected" },
         } do
            local err = fails(2, { "list" }, { variables = config(case[1]) })
            assert.matches(case[2], err)
            assert.is_nil(err:find("sesame", 1, true), err)
         end
      end)

      it("plays no part in a demo", function()
         local variables = config "[default]\nbase_url = http://127.0.0.1:1/v1\napi_key = k\n"
         local result = run({ "--demo", "list", "--limit", "1", "--json" }, { variables = variables })
         assert.matches("process_id", result.out)
      end)
   end)

   describe("takes the key", function()
      local function keyless() return { TOPAZ_API_KEY = false } end

      it("from the standard input", function()
         fine({ "list", "--api-key-file", "-" }, { variables = keyless(), input = emulator.key .. "\nmore\n" })
         assert.matches("has no key in its first line",
            (fails(2, { "list", "--api-key-file", "-" }, { variables = keyless(), input = "\n" })))
         assert.matches("both the key and the IDs",
            (fails(2, { "get", "-", "--api-key-file", "-" }, { variables = keyless(), input = "x\n" })))
         fine({ "get", id, "--api-key-file", "-" }, { variables = keyless(), input = emulator.key })
      end)

      it("from a process substitution", function()
         if not os.execute "command -v bash >/dev/null" then return pending "there is no bash" end
         local call = program.environment { TOPAZ_BASE_URL = emulator.url } .. " " .. program.command { "list" }
         local script = write(folder .. "/script", ("%s --api-key-file <(echo %s)\n"):format(call, emulator.key))
         local pipe <close> = io.popen(("bash %s 2>&1"):format(script))
         assert.matches("^" .. id:gsub("%-", "%%-") .. "\t", pipe:read "a")
      end)
   end)

   describe("with headers", function()
      it("sends them with each request", function()
         fine { "list", "--header", "traceparent: 00-a-b-01", "--header", "X-Empty:", "--header", "X-Url: a:b" }
         local headers = emulator:requests()[1].headers
         assert.same({ "00-a-b-01", "", "a:b" }, { headers.traceparent, headers["x-empty"], headers["x-url"] })
      end)

      it("refuses those that are not ones, and those of its own, without showing values", function()
         for header, pattern in pairs {
            ["no colon sesame"] = "a header is written 'Name: value'",
            ["X-API-Key: sesame"] = "%-%-header: 'X%-API%-Key'",
            ["Host: sesame"] = "%-%-header: 'Host' may not be set", ["X: se\nsame"] = "%-%-header: .*line break",
            [": sesame"] = "a header is written", ["ä: sesame"] = "%-%-header: byte 1",
         } do
            local err = fails(2, { "list", "--header", header })
            assert.matches(pattern, err)
            assert.is_nil(err:find("sesame", 1, true), err)
         end
         assert.equal(0, emulator:counts().total)
      end)

      it("does not show their values in the line to resume with", function()
         emulator:reset()
         emulator:add_jobs(150)
         emulator:fault { match = { kind = "list" }, after = 1, status = 403, times = math.huge }
         local result = run { "list", "--header", "X-Token: sesame-1", "--header=X-Other: sesame-2" }
         assert.matches("to resume: topaz%-status list .*%-%-resume", result.err)
         assert.is_nil(result.err:find("sesame", 1, true), result.err)
         assert.matches("X%-Token", result.err)
      end)
   end)
end)
