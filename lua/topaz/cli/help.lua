--- The help of topaz-status and of its commands. argparse makes the parts; here they are put in the
-- order in which they are read.
local help = {}

-- How often an argument is given, as a form of its name.
local FORMS = { ["?"] = "[%s]", ["*"] = "[%s ...]", ["+"] = "%s ..." }

local function form_of(argument)
   local least, many = argument._minargs, argument._maxargs > 1
   return FORMS[least == 0 and (many and "*" or "?") or many and "+"] or "%s"
end

--- Gives a parser its line of what is typed: the options are told below it.
-- @param parser of a command, with all its arguments; nil `command`: of the program
-- @tparam[opt] string command
function help.add_usage(parser, command)
   if not command then return parser:usage "Usage: topaz-status [options] COMMAND [options] [arguments]" end
   local words = { "Usage: topaz-status", command, "[options]" }
   for _, argument in ipairs(parser._arguments) do
      if not argument._hidden then words[#words + 1] = form_of(argument):format(argument._name) end
   end
   parser:usage(table.concat(words, " "))
end

local COMMON = "Every command also has --profile, --quiet and more: see `topaz-status help`."

--- The help of a parser: of the program with the commands first, of a command with where to find
-- the options that every one has.
-- @param parser
-- @treturn string
function help.text(parser)
   local text = parser:get_help() .. "\n"
   if #parser._commands > 0 then
      local before, commands, behind = text:match "^(.-\n\n)(Commands:\n.-\n\n)(.*)$"
      local usage, options = before:match "^(.-\n\n.-\n\n)(.*)$"
      text = usage .. commands .. options .. behind
   end
   if not parser.has_common then return text end
   return (text:gsub("^(.*\n\n)(Examples?:\n)", "%1" .. COMMON .. "\n\n%2"))
end

return help
