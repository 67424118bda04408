tokenizer bytes { kind = byte }
tokenizer all { kind = union   members = [bytes]   special = { bos = 300, eos = 300 } }

#> error[same-id]: `eos` and `bos` both name id 300.
#>   ┌─ same-id.elm:2:62
#> 2 │ tokenizer all { kind = union   members = [bytes]   special = { bos = 300, eos = 300 } }
#>   │                                                              ^^^^^^^^^^^^^^^^^^^^^^^^
