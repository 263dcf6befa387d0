--- What is said of a mistake in the arguments: which one it is, what is expected or what is near,
-- and where to look. argparse tells such a mistake as a text alone; what its texts mean is here.
local core = require "topaz.core"
local problem = require "topaz.cli.problem"
local text = require "topaz.terminal.text"
local words = require "topaz.words"

local usage = {}

local READ, SHOWN = 1000, 60 -- bytes and cells of what was given, which may be anything

--- What was given, as far as it is shown in a message.
-- @tparam string given
-- @treturn string
function usage.shown(given) return text.fit(text.safe(given:sub(1, READ)), SHOWN) end

local shown = usage.shown

local LEAST_BEGINNING = 3 -- letters

--- The name that was meant: the first that begins so, else the one that is nearest by its letters.
-- @tparam string given
-- @tparam table names
-- @treturn string|nil
function usage.nearest(given, names)
   for _, name in ipairs(#given >= LEAST_BEGINNING and names or {}) do
      if name:sub(1, #given) == given then return name end
   end
   return core.nearest(given, names)
end

local function names_of_commands(root)
   local names = {}
   for i, command in ipairs(root._commands) do names[i] = command._name end
   return names
end

-- The long options of a parser: their names, as of option.
local function options_of(parser)
   local names, by_name = {}, {}
   for _, option in ipairs(parser._options) do
      local name = option._aliases[#option._aliases]:gsub("^%-+", "")
      names[#names + 1], by_name[name] = name, option
   end
   return names, by_name
end

-- The option of a command that a word may be the value of, or the name of.
local function option_for(command, word)
   local names, by_name = options_of(command)
   for _, status in ipairs(by_name.status and words.statuses or {}) do
      if status:lower() == word:lower() then return "--status " .. status end
   end
   if by_name.where and word:find "^[%w_]+[=<>!]" then return "--where " .. text.quoted(shown(word)) end
   for _, name in ipairs(names) do
      if name == word then return "--" .. name end
   end
end

-- Each gives the message of a mistake, and what to do about it, or nil.
local EXPLAIN = {}

function EXPLAIN.unknown_command(root, given)
   local message = ("unknown command '%s'"):format(shown(given))
   local near, _, has = usage.nearest(given, names_of_commands(root)), options_of(root)
   if near then return message, ("did you mean '%s'?"):format(near) end
   if has[given] then return message, ("did you mean --%s?"):format(given) end
   if core.is_process_id(given) then return message, ("did you mean `topaz-status get %s`?"):format(given) end
   return message, problem.see() .. " for the commands"
end

function EXPLAIN.unknown_option(root, given, command)
   local name = given:gsub("^%-+", "")
   for _, other in ipairs(command == root and root._commands or {}) do
      local _, has = options_of(other)
      if has[name] then
         return ("--%s is an option of a command"):format(name),
            ("write it behind the command, as in `topaz-status %s --%s`"):format(other._name, name)
      end
   end
   local near = given:find "^%-%-" and usage.nearest(name, (options_of(command)))
   return ("unknown option '%s'"):format(shown(given)), near and ("did you mean '--%s'?"):format(near)
end

function EXPLAIN.unexpected(_, given, command)
   local message = ("unexpected argument '%s'"):format(shown(given))
   local meant = option_for(command, given)
   if meant then return message, ("did you mean %s?"):format(meant) end
   if core.is_process_id(given) then
      return message, ("did you mean `topaz-status %s %s`?"):format(
         command._name:find "^delete" and "delete" or "get", given)
   end
   return message, #command._arguments == 1 and ("%s takes options only"):format(command._name) or nil
end

function EXPLAIN.no_value(_, given, command)
   for _, option in ipairs(command._options) do
      for _, alias in ipairs(option._aliases) do
         if alias == given then return ("%s needs a value (%s)"):format(given, option._argname) end
      end
   end
end

function EXPLAIN.missing(_, given) return ("no %s was given"):format(given) end

function EXPLAIN.takes_none(_, given) return ("%s takes no value"):format(given) end

function EXPLAIN.exclude(_, one, _, other)
   return ("%s and %s exclude each other"):format(one, other), "use one of them"
end

-- What argparse says, and what explains it.
local SAID = {
   { "^unknown command '(.*)'$", "unknown_command" },
   { "^unknown option '(.*)'$", "unknown_option" },
   { "^unexpected argument '(.*)'$", "unexpected" },
   { "^option '(.*)' requires an argument$", "no_value" },
   { "^missing argument '(.*)'$", "missing" },
   { "^option '(.*)' does not take arguments$", "takes_none" },
   { "^option '(.-)' can not be used together with option '(.-)'$", "exclude" },
}

-- The message of argparse's, and what to do about it.
local function explained(root, said, command)
   for _, row in ipairs(SAID) do
      local one, other = said:match(row[1])
      local message, hint
      if one then message, hint = EXPLAIN[row[2]](root, one, command, other) end
      if message then return message, hint end
   end
   return (said:gsub("%s*\n%s*", " "))
end

-- Where to look, behind what else there is to do.
local function with_place(hint, root, command)
   local see = problem.see(command ~= root and command._name or nil)
   if not hint then return see end
   if hint:find "%?$" then return hint .. " S" .. see:sub(2) end
   return hint:find("`topaz-status", 1, true) and hint or hint .. ", " .. see
end

--- Raises what argparse has found.
-- @param root its parser
-- @param command the parser of the command, or the root
-- @tparam string said its message
function usage.refuse(root, command, said)
   said = said:gsub("\nDid you mean [^\n]*%?$", "")
   if said:find "^unknown command" then command = root end
   local message, hint = explained(root, said, command)
   problem.usage(message, with_place(hint, root, command))
end

--- Makes what is wrong with the value of an option name the option, and lets a command take more
-- arguments than it has, only to refuse them by name.
-- @param command a command of argparse, with all its arguments and options
function usage.complete(command)
   local takes_all = false
   for _, list in ipairs { command._options, command._arguments } do
      for _, element in ipairs(list) do
         local convert, name = element._convert, element._aliases and element._aliases[#element._aliases]
         takes_all = takes_all or not name and element._maxargs == math.huge
         if convert and name then
            element._convert = function(given)
               local value, why = convert(given)
               return value, why and name .. ": " .. why
            end
         end
      end
   end
   if takes_all then return end
   command:argument("more"):hidden(true):args "*":convert(function(given)
      return nil, ("unexpected argument '%s'"):format(given)
   end)
end

return usage
