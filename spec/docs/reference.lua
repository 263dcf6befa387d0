-- Writes the definition files as sources that LDoc reads:
-- one module each, in which classes are sections and records are tables.
local luacats = require "spec.docs.luacats"

local reference = {}

-- Names are shown without the module before them, types without blanks,
-- which LDoc would take for the end.
local function short(name) return (name:gsub("^topaz%.([%a])", "%1")) end
local function type_of(text) return (text:gsub("topaz%.([%a])", "%1"):gsub("%s+", "")) end

local function emit(out, prefix, text)
   for line in (text .. "\n"):gmatch "([^\n]*)\n" do out[#out + 1] = prefix .. line end
end

-- A comment of LDoc: what it says first, then its tags.
local function comment(out, text, lines)
   local first, rest = text:match "^([^\n]*)\n?(.*)$"
   out[#out + 1] = "--- " .. first
   if rest ~= "" then emit(out, "-- ", rest) end
   for _, line in ipairs(lines) do emit(out, "-- ", line) end
   out[#out + 1] = ""
end

local function table_of(out, entry)
   local lines = { "@table " .. short(entry.name) }
   for _, field in ipairs(entry.fields) do
      lines[#lines + 1] = ("@tfield%s %s %s %s"):format(field.optional and "[opt]" or "", type_of(field.type),
         field.name, field.text)
   end
   local parent = entry.parent and entry.parent ~= "" and (" Also all of `%s`."):format(short(entry.parent)) or ""
   comment(out, entry.text .. parent, lines)
end

local function alias_of(out, entry)
   comment(out, entry.text .. "\n\n`" .. entry.words:gsub("topaz%.", "") .. "`", { "@table " .. short(entry.name) })
end

local function function_of(out, entry, is_module)
   local name = is_module and entry.name or short(entry.class.name) .. entry.separator .. entry.name
   local lines = { "@function " .. name }
   for _, parameter in ipairs(entry.params) do
      lines[#lines + 1] = ("@tparam%s %s %s %s"):format(parameter.optional and "[opt]" or "", type_of(parameter.type),
         parameter.name, parameter.text)
   end
   for _, result in ipairs(entry.returns) do
      lines[#lines + 1] = ("@treturn %s <code>%s</code> %s"):format(type_of(result.type), result.name, result.text)
   end
   for _, example in ipairs(entry.examples) do lines[#lines + 1] = "@usage\n" .. example.text end
   comment(out, entry.text, lines)
end

local function functions_of(out, class, is_module)
   for _, entry in ipairs(class.functions) do
      if not entry.internal then function_of(out, entry, is_module) end
   end
end

local function is_object(entry)
   for _, f in ipairs(entry.functions or {}) do
      if not f.internal then return true end
   end
   return false
end

--- The source of a module for LDoc.
-- @tparam string path of a definition file
-- @treturn string
function reference.source(path)
   local entries, name = luacats.read(path)
   local out, root = {}, nil
   for _, entry in ipairs(entries) do
      if entry.kind == "class" and entry.name == name then root = entry end
   end
   comment(out, root.text, { "@module " .. name })
   comment(out, "Functions", { "@section Functions" })
   if #root.fields > 0 then
      table_of(out, { name = root.name .. ".members", text = "What is not a function.", fields = root.fields })
   end
   functions_of(out, root, true)
   for _, entry in ipairs(entries) do
      if entry ~= root and is_object(entry) then
         comment(out, entry.text, { "@type " .. short(entry.name) })
         if #entry.fields > 0 then
            table_of(out, { name = entry.name .. ".members", text = "What is not a function.", fields = entry.fields })
         end
         functions_of(out, entry, false)
      end
   end
   comment(out, "Records", { "@section Records" })
   for _, entry in ipairs(entries) do
      if entry.kind == "alias" then alias_of(out, entry)
      elseif entry.kind == "class" and entry ~= root and not is_object(entry) then table_of(out, entry) end
   end
   out[#out + 1] = "return {}\n"
   return table.concat(out, "\n"), name
end

return reference
