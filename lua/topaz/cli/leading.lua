--- Options in front of the command: those that every command has may stand there too, as in
-- `topaz-status --base-url URL list`.
local argparse = require "argparse"
local arguments = require "topaz.cli.arguments"

local leading = {}

--- The options that every command has which asks the API.
function leading.options()
   local command = argparse("command"):add_help(false)
   arguments.common(command)
   return command._options
end

--- The arguments with such options moved behind the command; unchanged where there is no command.
-- @tparam table given the arguments
-- @treturn table
function leading.moved(given)
   local takes, kept, moved, i = {}, {}, {}, 1 -- takes: alias -> whether an argument follows
   for _, option in ipairs(leading.options()) do
      for _, alias in ipairs(option._aliases) do takes[alias] = option._maxargs > 0 end
   end
   while i <= #given and given[i]:find "^%-." and given[i] ~= "--" do
      local name, equals = given[i]:match "^(%-%-[^=]+)(=?)"
      local takes_next = takes[name or given[i]]
      local list = takes_next == nil and kept or moved
      list[#list + 1] = given[i]
      if takes_next and equals ~= "=" and i < #given then
         i = i + 1
         list[#list + 1] = given[i]
      end
      i = i + 1
   end
   if i > #given or #moved == 0 then return given end
   kept[#kept + 1] = given[i] -- the command
   table.move(moved, 1, #moved, #kept + 1, kept)
   return table.move(given, i + 1, #given, #kept + 1, kept)
end

return leading
