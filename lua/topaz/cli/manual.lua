--- The man page, made of what the parser declares: commands, options and texts are those of --help.
local profiles = require "topaz.cli.profiles"

local manual = {}

-- Text of which nothing is a request of roff.
local function plain(text)
   return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("%f[^\n\0]([.'])", "\\&%1"))
end

-- As plain, with its lines kept.
local function verbatim(text) return ".nf\n" .. plain(text) .. "\n.fi" end

local function is_common(option, common)
   return common[option._name] or option._name == "-h" or option._name == "--help"
end

-- The entries of options and arguments; `skip` says which to leave out.
local function entries(elements, skip)
   local lines = {}
   for _, element in ipairs(elements) do
      if not element._hidden and not (skip and skip(element)) then
         lines[#lines + 1] = (".TP\n.B %s\n%s"):format(plain(table.concat(element:_get_label_lines(), " ")),
            plain(element:_get_description()))
      end
   end
   return lines
end

local function add(page, ...)
   for _, line in ipairs { ... } do page[#page + 1] = line end
end

local function commands(page, root, common)
   add(page, ".SH COMMANDS")
   for _, command in ipairs(root._commands) do
      add(page, ".SS " .. plain(command._name), verbatim((command:get_usage():gsub("^Usage: ", ""))),
         ".PP", plain(command._description or command._summary or ""))
      add(page, table.unpack(entries(command._arguments)))
      add(page, table.unpack(entries(command._options, function(option) return is_common(option, common) end)))
      if command._epilog then add(page, ".PP", verbatim(command._epilog)) end
   end
end

-- The variables that the texts of options name, and where.
local function environment(page, root)
   local names, where = {}, {}
   local function collect(parser)
      for _, option in ipairs(parser._options) do
         for name in option:_get_description():gmatch "%$([%u_]+)" do
            if not where[name] then
               names[#names + 1] = name
               where[name] = option._name
            end
         end
      end
   end
   collect(root)
   for _, command in ipairs(root._commands) do collect(command) end
   table.sort(names)
   add(page, ".SH ENVIRONMENT")
   for _, name in ipairs(names) do add(page, ".TP", ".B " .. name, "See " .. plain(where[name]) .. ".") end
end

-- The paragraphs of the root's last words: one with a title is a section of its own.
local function last_words(page, root)
   local titles = { ["Exit codes"] = "EXIT STATUS", Examples = "EXAMPLES" }
   local first = {}
   for paragraph in (root._epilog .. "\n\n"):gmatch "(.-)\n\n" do
      local title, rest = paragraph:match "^(%a[%a ]*):%s*(.*)$"
      if titles[title] then
         add(page, ".SH " .. titles[title], verbatim(rest))
      else
         first[#first + 1] = ".PP\n" .. plain(paragraph)
      end
   end
   return first
end

local function config_file(page)
   add(page, ".SH FILES", ".TP", ".B " .. plain "~/.config/topaz/config",
      plain("Profiles, below $XDG_CONFIG_HOME if that is set (Windows: %APPDATA%\\topaz\\config); $TOPAZ_CONFIG_FILE "
         .. "names another file. A line is [NAME], "
         .. "which begins a profile, or one of these, with = and a value: " .. table.concat(profiles.MEMBERS, ", ")
         .. ". Lines that begin with # or ; are comments. Without --profile and $TOPAZ_PROFILE the profile [default] "
         .. "counts, if there is one. Options and the environment go before a profile. A file with a key or a header "
         .. "has mode 600."))
end

--- The page, for man(1).
-- @param root the parser
-- @tparam string version
-- @treturn string
function manual.page(root, version)
   local common, page, ends = {}, {}, {}
   for _, option in ipairs(root._options) do common[option._name] = true end
   local description = last_words(ends, root)
   add(page, ('.TH TOPAZ\\-STATUS 1 "" "topaz %s" "User Commands"'):format(plain(version)),
      ".ad l", ".nh", ".SH NAME", "topaz\\-status \\- " .. plain((root._description:gsub("%.$", ""))),
      ".SH SYNOPSIS", ".B topaz\\-status", "[options] command [options] [arguments]",
      ".SH DESCRIPTION", plain(root._description))
   add(page, table.unpack(description))
   add(page, ".SH OPTIONS", "Those of every command that asks the API stand in front of it or behind it.")
   add(page, table.unpack(entries(root._options)))
   commands(page, root, common)
   environment(page, root)
   config_file(page)
   add(page, table.unpack(ends))
   return table.concat(page, "\n") .. "\n"
end

return manual
