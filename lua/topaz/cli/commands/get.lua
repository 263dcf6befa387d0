--- topaz-status get: single statuses, asked for side by side, shown in the order they were given.
local arguments = require "topaz.cli.arguments"
local dates = require "topaz.cli.dates"
local json = require "topaz.cli.json"
local output = require "topaz.cli.output"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"

local NARROWEST = 17 -- cells of the longest name of the API's contract
local GAP = 2

-- The value of a member as it is shown: to people a time in both ways.
local function said(name, value, shell)
   local time = dates.MEMBERS[name] and dates.shown(value, shell.is_tty and "seconds" or "iso", shell.args)
   return time and (shell.is_tty and ("%s  (%d)"):format(time, value) or time) or json.plain(value)
end

-- For people: a line for each member, a blank one between statuses.
local function blocks(shell)
   local first, ascii = true, terminal.is_ascii()
   return {
      add = function(status)
         if not first then output.write "\n" end
         first = false
         local names, widest = shell.args.fields or json.names(status), NARROWEST
         for _, name in ipairs(names) do widest = math.max(widest, text.width(text.safe(name, ascii))) end
         for _, name in ipairs(names) do
            local value = status[name]
            if value ~= nil then
               local shown = text.safe(said(name, value, shell), ascii)
               if name == "status" then shown = shell.paint(value, shown) end
               output.write(text.pad(text.safe(name, ascii), widest + GAP), shown, "\n")
            end
         end
      end,
      finish = function() end, stop = function() end,
   }
end

local function run(shell)
   local args = shell.args
   shell:client() -- first: without a key nothing is read from the input
   local ids = shell:ids()
   -- IDs of the input are a list, however many they are: a script knows what it gets.
   local single = #args.ids == 1 and args.ids[1] ~= "-"
   local writer = args.output and output.writer(shell, { single = single }) or blocks(shell)
   -- However it ends: what was written is whole.
   local ending <close> = -- luacheck: ignore 211
      setmetatable({}, { __close = function() writer.stop() end })
   local code = shell:each("get_status", ids, function(_, status) writer.add(status) end)
   writer.finish()
   return code
end

return {
   name = "get",
   summary = "Show statuses by ID.",
   description = "Show statuses with all their members. Exit code 5 if one is not found.",
   examples = [[
topaz-status get 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b
topaz-status get --json 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b]],
   arguments = function(command)
      arguments.ids(command, "The statuses to show.", "+")
      arguments.formats(command, "a line for each member", "One ID: a JSON object; several, or \"-\": an array.")
      command:flag("--utc", "Times are UTC, not of this machine's time zone.")
      arguments.call_timeout(command)
      arguments.common(command)
   end,
   run = run,
}
