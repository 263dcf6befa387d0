--- topaz-status get: single statuses, asked for side by side, shown in the order they were given.
local arguments = require "topaz.cli.arguments"
local json = require "topaz.cli.json"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"

local TIMES = { eta = true, creation_time = true, modification_time = true }

local function said(name, value, to_terminal)
   if to_terminal and TIMES[name] and math.type(value) == "integer" and value >= 0 and value < 1 << 40 then
      return os.date("%Y-%m-%d %H:%M:%S", value) .. ("  (%d)"):format(value)
   end
   return json.plain(value)
end

-- For people: a line for each member, a blank one between statuses.
local function blocks(shell)
   local first = true
   return {
      add = function(status)
         if not first then output.write "\n" end
         first = false
         for _, name in ipairs(shell.args.fields or json.names(status)) do
            local value = status[name]
            if value ~= nil then
               local shown = text.safe(said(name, value, shell.is_terminal))
               if name == "status" then shown = shell.paint(value, shown) end
               output.write(text.pad(text.safe(name), 19), shown, "\n")
            end
         end
      end,
      finish = function() end,
   }
end

local function run(shell)
   local args = shell.args
   shell:client() -- first: without a key nothing is read from the input
   local ids = shell:ids()
   for _, name in ipairs(args.fields or {}) do
      local known = false
      for _, member in ipairs(json.MEMBERS) do known = known or member == name end
      if not known then
         problem.usage(("--fields: a status has no member '%s'"):format(name),
            "see `topaz-status get --help`")
      end
   end
   local o = { terminal = shell.is_terminal, paint = shell.paint, ascii = terminal.is_ascii() }
   local writer = (args.json or args.jsonl or args.csv) and output.writer(args, o) or blocks(shell)
   local code = shell:each("get_status", ids, function(_, status) writer.add(status) end)
   writer.finish()
   return code
end

return {
   name = "get",
   summary = "Show statuses by ID.",
   description = "Show statuses with all their members. Exit code 3 if one could not be read.",
   examples = [[
topaz-status get 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b
topaz-status get --json 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b]],
   arguments = function(command)
      arguments.ids(command, "The statuses to show.", "+")
      arguments.formats(command)
      arguments.call_timeout(command)
      arguments.common(command)
   end,
   run = run,
}
