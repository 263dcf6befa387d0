--- What a command is given: its arguments, the client, the output, and ways to tell what happened.
--
-- arguments    as typed
-- args         as the parser understood them
-- getenv       the environment
-- is_terminal  whether the output is one, and understands the usual sequences
-- is_tty       whether the output is one of any kind, a dumb one too: a person reads it
-- paint        colours of the output: see topaz.cli.screen
-- resume       set by a command: function giving how to resume it when it is stopped, and what that
--              needs
-- log          of topaz.cli.log, with the client
-- answered     how many calls of each() have been answered
local core = require "topaz.core"
local limits = require "topaz.limits"
local topaz = require "topaz"
local log = require "topaz.cli.log"
local options = require "topaz.cli.options"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"
local usage = require "topaz.cli.usage"
local words = require "topaz.words"

local Shell = {}
Shell.__index = Shell

--- A shell for these arguments.
-- @tparam table arguments as typed
-- @tparam[opt] table given members to set
function Shell.new(arguments, given)
   local self = setmetatable({ arguments = arguments, getenv = os.getenv, answered = 0 }, Shell)
   for name, value in pairs(given or {}) do self[name] = value end
   return self
end

--- One line on the error output: what happened, and what to do next. Whatever it quotes, nothing
-- in it steers the terminal.
function Shell.tell(_, message, hint)
   output.settle()
   output.end_line()
   local ascii = core.is_tty(2) and terminal.is_ascii()
   io.stderr:write("topaz-status: ", text.safe(message, ascii), hint and "; " .. text.safe(hint, ascii) or "", "\n")
end

--- The same for an error object of the library.
function Shell:tell_error(err) self:tell(problem.message(err), problem.hint(err)) end

-- The library's words for a misuse, in those of the command line: it names the variable that the
-- value came from, else the option.
local function as_option(misuse, sources)
   local name, what = misuse:match "bad argument '([%w_]+)': (.*)$"
   if not name then return nil end
   what = what:gsub("allow_insecure = true", "--allow-insecure")
      :gsub("text of cursor:token%(%)", "token that an interrupted list printed")
      :gsub("text of watcher:token%(%)", "token that an interrupted wait printed")
   if sources[name] then return sources[name] .. ": " .. what end
   if name:find "^%u" then return name .. ": " .. what end -- a variable of the environment
   if name == "headers" then name = "header" end
   return (name == "api_key" and "the API key" or "--" .. name:gsub("_", "-")) .. ": " .. what
end

-- Calls what raises a misuse error. `sources`: option → where its value came from.
local function checked(self, sources, f, ...)
   local result = table.pack(pcall(f, ...))
   if result[1] then return table.unpack(result, 2, result.n) end
   local err = result[2]
   local message = type(err) == "string" and as_option(err, sources)
   if not message then error(err, 0) end
   problem.usage(message, problem.see(self.args.command))
end

--- Calls what raises a misuse error for something that was said on the command line.
function Shell:checked(f, ...) return checked(self, {}, f, ...) end

--- The client, made on first use; a mistake in its options is one of the caller.
function Shell:client()
   if not self.made then
      local given, sources = options.of_client(self.args, self.getenv)
      self.log = log.attach(given, self.args)
      output.before, output.after = function() self.log:hide() end, function() self.log:again() end
      self.made = checked(self, sources, topaz.client, given)
   end
   return self.made
end

-- ---- ids ----------------------------------------------------------------------------------------

-- Adds an id unless it is there already. `line` is that of the input it stands in; nil: it is an
-- argument.
local function add_id(id, line, seen, ids)
   if not topaz.core.is_process_id(id) then
      problem.usage(("%s'%s' is not a process_id"):format(line and ("line %d of the input: "):format(line) or "",
         usage.shown(id)), "expected a UUID such as 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b"
         .. (line and ", as `topaz-status list --fields process_id` gives" or ""))
   end
   if not seen[id:lower()] then
      seen[id:lower()] = true
      ids[#ids + 1] = id
   end
end

-- The next line of the input; nil at its end.
local function next_line()
   local line, why = io.read()
   if why then
      problem.raise(problem.FAILED, "cannot read the input: " .. why, "give IDs, or a file or pipe of them")
   end
   return line
end

--- The ids that were given, each once; "-" stands for the first words of the lines of the input.
-- No id at all where some were to come is a mistake, so that nothing done never looks like success.
-- @treturn table
function Shell:ids()
   local ids, seen, number = {}, {}, 0
   for _, given in ipairs(self.args.ids or {}) do
      if given == "-" then
         for line in next_line do
            number = number + 1
            local id = line:gsub("^\u{FEFF}", ""):match "%S+"
            if id then add_id(id, number, seen, ids) end
         end
      else
         add_id(given, nil, seen, ids)
      end
   end
   if #ids == 0 and #(self.args.ids or {}) > 0 then
      problem.usage("the input contains no ID", problem.see(self.args.command))
   end
   return ids
end

--- Calls an operation for each id, several at a time. An error is told; one that each other call
-- would meet as well ends it.
-- @tparam string operation get_status or delete_status
-- @tparam table ids
-- @tparam function show (id, result, more) called for each that went well, in the order of the ids
-- @treturn integer exit code
function Shell:each(operation, ids, show)
   local client, requests, code = self:client(), {}, 0
   for i, id in ipairs(ids) do
      for ahead = #requests + 1, math.min(i + limits.AHEAD, #ids) do
         requests[ahead] = client:start(operation, ids[ahead])
      end
      local result, more = requests[i]:result()
      requests[i], self.answered = false, i
      if result then
         show(id, result, more)
      else
         code = problem.both(code, problem.code(more))
         self:tell_error(more)
         if words.is_fatal[more.kind] then break end
      end
   end
   return code
end

-- ---- going on -----------------------------------------------------------------------------------

-- The arguments without the values of headers, which may be secrets.
local function without_values(arguments)
   local list = {}
   for i, argument in ipairs(arguments) do
      local is_header = argument:find "^%-%-header=" or arguments[i - 1] == "--header"
      list[i] = is_header and argument:gsub(":.*$", ": ...") or argument
   end
   return list
end

--- The command line as it was typed, to go on with a token.
-- @tparam[opt] string token in place of the one that was given
-- @tparam[opt] table o `bare`: without the ids and --all, which the token has; `limit`: in place of
-- the one that was given
-- @treturn string
function Shell:again(token, o)
   local list, given, skip = { "topaz-status" }, {}, false
   local new = { ["--resume"] = token, ["--limit"] = o and o.limit }
   local bare = o and o.bare
   for _, id in ipairs(bare and self.args.ids or {}) do given[id] = true end
   local place -- where options go: behind all, but in front of "--"
   for _, argument in ipairs(without_values(self.arguments)) do
      local drop = skip or given[argument] or bare and argument == "--all" or new[argument:match "^(%-%-[^=]+)"]
      skip = not skip and new[argument] ~= nil
      if not drop then
         list[#list + 1] = text.safe(text.quoted(argument))
         if argument == "--" then place = place or #list end
      end
   end
   place = place or #list + 1
   for _, name in ipairs { "--resume", "--limit" } do
      if new[name] then
         table.insert(list, place, tostring(new[name]))
         table.insert(list, place, name)
      end
   end
   return table.concat(list, " ")
end

return Shell
