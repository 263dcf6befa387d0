-- The Markdown of the guides: headings, paragraphs, lists, links, images.
-- A formatter for LDoc, which runs it in Lua 5.1 or later;
-- LDoc itself has turned code into HTML before, and build.lua the tables.
local BLOCKS = { pre = true, div = true, tr = true, table = true, a = true }

local function inline(text)
   return (text:gsub("!%[([^%]]*)%]%(([^)]+)%)", '<img src="%2" alt="%1">')
      :gsub("%[([^%]]+)%]%(([^)]+)%)", '<a href="%2">%1</a>')
      :gsub("%*%*(.-)%*%*", "<strong>%1</strong>"))
end

local Writer = {}
Writer.__index = Writer

function Writer:close_text()
   if #self.text > 0 then
      local tag = self.list and "li" or "p"
      self.out[#self.out + 1] = ("<%s>%s</%s>"):format(tag, inline(table.concat(self.text, "\n")), tag)
      self.text = {}
   end
end

function Writer:close_list(list)
   self:close_text()
   if self.list and self.list ~= list then self.out[#self.out + 1] = "</" .. self.list .. ">" end
   if list and self.list ~= list then self.out[#self.out + 1] = "<" .. list .. ">" end
   self.list = list
end

function Writer:raw(line)
   self:close_list()
   self.out[#self.out + 1] = line
end

function Writer:line(line)
   local marks, title = line:match "^(#+)%s+(.*)$"
   local bullet, number = line:match "^%s*%-%s+(.*)$", line:match "^%s*%d+%.%s+(.*)$"
   local tag = line:match "^%s*</?(%l+)"
   if title then
      self:raw(("<h%d>%s</h%d>"):format(#marks, inline(title), #marks))
   elseif tag and BLOCKS[tag] then
      self:raw(line)
   elseif bullet or number then
      self:close_list(bullet and "ul" or "ol")
      self.text = { bullet or number }
   elseif line:find "^%s*$" then
      self:close_list()
   else
      self.text[#self.text + 1] = line
   end
end

return function(markdown)
   markdown = markdown:gsub("\\_", "_") -- LDoc escapes them for the Markdown that it knows
   local writer, inside = setmetatable({ out = {}, text = {} }, Writer), false
   for line in (markdown .. "\n"):gmatch "([^\n]*)\n" do
      inside = inside or line:find "^<pre" ~= nil
      if inside then writer:raw(line) else writer:line(line) end
      if line:find "</pre>" then inside = false end
   end
   writer:close_list()
   return table.concat(writer.out, "\n")
end
