--- topaz-status get: single statuses, asked for side by side, shown in the order they were given.
local json = require "topaz.cli.json"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local terminal = require "topaz.cli.terminal"
local text = require "topaz.text"

local AHEAD = 64 -- calls begun and not yet shown

local TIMES = { eta = true, creation_time = true, modification_time = true }

local function said(name, value, to_terminal)
   if type(value) == "table" then return json.encode(value) end
   if to_terminal and TIMES[name] and math.type(value) == "integer" then
      return os.date("%Y-%m-%d %H:%M:%S", value) .. ("  (%d)"):format(value)
   end
   return tostring(value)
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
               output.write(text.pad(text.safe(name), 19), name == "status" and shell.paint(value, shown) or shown, "\n")
            end
         end
      end,
      finish = function() end,
   }
end

return function(shell)
   local args = shell.args
   local client, ids = shell:client(), shell:ids()
   for _, name in ipairs(args.fields or {}) do
      local known = false
      for _, member in ipairs(json.MEMBERS) do known = known or member == name end
      if not known then
         problem.usage(("--fields: no status has a member '%s'"):format(text.safe(name)), "see `topaz-status get --help`")
      end
   end
   local writer = (args.json or args.jsonl or args.csv)
      and output.writer(args, { terminal = shell.is_terminal, paint = shell.paint, ascii = terminal.is_ascii() }) or blocks(shell)
   local requests, code = {}, 0
   for i = 1, #ids do
      for ahead = #requests + 1, math.min(i + AHEAD, #ids) do requests[ahead] = client:start("get_status", ids[ahead]) end
      local status, err = requests[i]:result()
      requests[i] = false
      if status then
         writer.add(status)
      else
         code = problem.FAILED
         shell:tell_error(err)
         if err.kind == "unauthorized" or err.kind == "forbidden" then break end
      end
   end
   writer.finish()
   return code
end
