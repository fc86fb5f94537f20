module mediatypes

go 1.27.4
