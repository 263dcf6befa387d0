--- The commands, by the names of their files in this folder, in the order of the help.
return { "list", "get", "wait", "watch", "summary", "delete", "delete_finished", "delete_all", "share",
   "emulator" }
